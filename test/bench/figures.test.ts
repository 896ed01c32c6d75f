import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isMet, median, tableOf } from './figures.ts';

test('the median is the middle, or the mean of both middles', () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1, 3, 2]), 2.5);
});

test('targets are met or not', () => {
  const base = { what: 'x', ours: 110, unit: 'ms', peer: { name: 'Docker', value: 100 } };
  assert.equal(isMet({ ...base, target: { atMostTimes: 1.15 } }), true);
  assert.equal(isMet({ ...base, target: { atMostTimes: 1.05 } }), false);
  assert.equal(isMet({ ...base, target: { atLeastTimes: 1.05 } }), true);
  assert.equal(isMet({ ...base, target: { atMost: 100 } }), false);
  assert.equal(isMet({ ...base, target: { atLeast: 100 } }), true);
  assert.match(
    tableOf([{ ...base, target: { atMostTimes: 1.15 } }]),
    /110 ms │ 100 ms \(Docker\) │ 1.1× +│ ≤ 1.15× │ yes/,
  );
});
