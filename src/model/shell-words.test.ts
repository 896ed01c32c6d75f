import assert from 'node:assert/strict';
import { test } from 'node:test';
import { splitShellWords } from './shell-words.ts';

const cases: readonly (readonly [string, readonly string[]])[] = [
  ['', []],
  ['  ', []],
  ['sleep 1000', ['sleep', '1000']],
  ['sh -c "echo hi; exit 3"', ['sh', '-c', 'echo hi; exit 3']],
  [`echo 'a "b" \\c'`, ['echo', 'a "b" \\c']],
  ['"" x', ['', 'x']],
  ["a'b'c", ['abc']],
  ['a\\ b', ['a b']],
  ['"a\\"b" "c\\d"', ['a"b', 'c\\d']],
];
for (const [line, words] of cases) {
  test(`splits ${JSON.stringify(line)}`, () => assert.deepEqual(splitShellWords(line), words));
}

for (const line of ['"open', "it's", 'end\\']) {
  test(`refuses ${JSON.stringify(line)}`, () => assert.throws(() => splitShellWords(line), /unbalanced/));
}
