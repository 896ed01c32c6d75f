import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parse, stringify } from 'yaml';
import { parseBlockMap } from './block-map.ts';

test('maps in maps of plain values', () => {
  const text = `# made by hand
clouds:
  berth:
    auth:
      auth_url: http://127.0.0.1:9517/identity/v3
      username: demo

      password: -5iT9_x
    region_name: RegionOne
    identity_api_version: 3
  other:
    auth:
      username: x
`;
  assert.deepEqual(parseBlockMap(text), parse(text));
});

test('anything else is left to the library', () => {
  const texts = [
    'a: 01',
    'a: 1.5',
    'a: true',
    'a: "x"',
    'a: [x]',
    'a: x # y',
    '- a',
    'a: &b c',
    'a:',
    'a: x:',
    'a: 5e3',
  ];
  texts.push(
    'a: x\na: y',
    'a: x\n  b: y',
    'a:\n  b: x\n c: y',
    'a:\n    b: x\n  c: y',
    'a: |\n  b: c',
    '  a: x\nb: y',
  );
  texts.push('a: NO', 'a: - x', 'a: -', 'a: ~', 'a:\n\tb: c', 'a: x\n---\nb: y', 'a b: c');
  for (const text of texts) assert.equal(parseBlockMap(text), undefined, text);
});

const value = fc.oneof(
  fc.string(),
  fc.constantFrom(
    'true',
    'http://h:1/v3',
    '5e3',
    'x: y',
    'a#b',
    'a #b',
    'null',
    '~',
    '',
    '0x1',
    '1_0',
    '.5',
    '-a',
    '1:30',
    '12e03x',
    '2026-01-01',
    '7',
  ),
  fc.integer(),
  fc.stringMatching(/^[-_A-Za-z0-9]{24}$/),
  fc.base64String(),
);
const tree = fc.letrec((tie) => ({
  tree: fc.dictionary(fc.stringMatching(/^[a-z_][a-z0-9_-]*$/), fc.oneof(value, tie('tree')), { maxKeys: 4 }),
})).tree;

test('what it reads is what the library reads', () => {
  let read = 0;
  fc.assert(
    fc.property(tree, (wanted) => {
      const text = stringify(wanted);
      const found = parseBlockMap(text);
      if (found === undefined) return;
      read += 1;
      assert.deepEqual(found, parse(text));
    }),
    { numRuns: 1000 },
  );
  assert.ok(read > 20, `only ${read} of them were simple enough to say anything`);
});

test('lines of any kind never make it say something else than the library', () => {
  const row = fc
    .tuple(fc.constantFrom('', ' ', '  ', '    '), fc.constantFrom('a', 'b', 'yes'), value)
    .map(([indent, key, text]) => `${indent}${key}:${text === '' ? '' : ` ${text}`}`);
  fc.assert(
    fc.property(fc.array(row, { maxLength: 6 }), (rows) => {
      const text = rows.join('\n');
      const found = parseBlockMap(text);
      if (found !== undefined && rows.length > 0) assert.deepEqual(found, parse(text));
    }),
    { numRuns: 2000 },
  );
});
