import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { joinWords, splitWords } from './shell-words.ts';

test('words are split as a shell splits them', () => {
  assert.deepEqual(splitWords(` a  "b \\" c" 'd "$e' f\\ g h''"i" `), ['a', 'b " c', 'd "$e', 'f g', 'hi']);
  assert.deepEqual(splitWords(`'' ""`), ['', '']);
  assert.throws(() => splitWords('a "b'), /unbalanced quotes/);
});

test('joined words split into the same words', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary' })), (words) => {
      assert.deepEqual(splitWords(joinWords(words)), words);
    }),
  );
});
