/**
 * Values as text for people. Names, labels and messages come from other users: what could move a terminal's
 * cursor, change its colours or hide other text is shown as an escape instead of being carried out.
 */

/** Control characters (C0, DEL, C1), invisible direction marks and line separators. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it is for
const unsafe = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

const named: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

export function printable(text: string): string {
  return text.replaceAll(unsafe, (character) => {
    const code = character.charCodeAt(0);
    return named[character] ?? (code < 256 ? `\\x${hex(code, 2)}` : `\\u${hex(code, 4)}`);
  });
}

function hex(code: number, digits: number): string {
  return code.toString(16).padStart(digits, '0');
}

/** Lists as `a, b`, maps as `k=v, …`, nothing as an empty text. */
export function textOf(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (Array.isArray(value)) return value.map(textOf).join(', ');
  if (typeof value === 'object') {
    return Object.entries(value)
      .map(([key, item]) => `${key}=${textOf(item)}`)
      .join(', ');
  }
  return String(value);
}
