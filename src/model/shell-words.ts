/**
 * Splits a line into words as a POSIX shell does: quotes and backslashes, no expansion of any kind.
 *
 * Throws `invalid-value` when a quote is not closed or the line ends in a backslash.
 */
import { Failure } from './failure.ts';

export function splitShellWords(line: string): string[] {
  const words: string[] = [];
  const piece = /\s+|\\([\s\S])|'([^']*)'|"((?:[^"\\]|\\[\s\S])*)"|([^\s\\'"]+)/gy;
  let word: string | undefined;
  while (piece.lastIndex < line.length) {
    const at = piece.lastIndex;
    const match = piece.exec(line);
    if (!match) {
      throw new Failure(
        'invalid-value',
        `unbalanced quote or backslash in ${JSON.stringify(line.slice(at))}`,
      );
    }
    const [whole, escaped, single, double, plain] = match;
    // Inside double quotes a backslash escapes only these; before anything else it stands for itself.
    const text = escaped ?? single ?? double?.replaceAll(/\\([$`"\\\n])/g, '$1') ?? plain;
    if (text === undefined && /^\s/.test(whole)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else word = (word ?? '') + (text ?? '');
  }
  if (word !== undefined) words.push(word);
  return words;
}
