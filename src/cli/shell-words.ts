/** Words and command lines, in the quoting of a POSIX shell. */
import { UsageError } from './usage-error.ts';

/** Splits as a shell would, without expanding anything. */
export function splitWords(line: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  for (const [piece] of line.matchAll(/'[^']*'|"(?:[^"\\]|\\[\s\S])*"|\\[\s\S]|\s+|[^\s'"\\]+|[\s\S]/g)) {
    if (/^\s/.test(piece)) {
      if (word !== undefined) words.push(word);
      word = undefined;
      continue;
    }
    if (/^['"\\]$/.test(piece)) throw new UsageError(`unbalanced quotes in: ${line}`);
    word = (word ?? '') + unquote(piece);
  }
  if (word !== undefined) words.push(word);
  return words;
}

function unquote(piece: string): string {
  if (piece.startsWith("'")) return piece.slice(1, -1);
  if (piece.startsWith('"')) return piece.slice(1, -1).replaceAll(/\\(["\\$`])/g, '$1');
  return piece.startsWith('\\') ? piece.slice(1) : piece;
}

/** One line that splits into exactly these words again. */
export function joinWords(words: readonly string[]): string {
  return words
    .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`))
    .join(' ');
}
