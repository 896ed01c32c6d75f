/**
 * A JSON object from a stream, member by member, whose long strings never are in memory as a whole.
 *
 * Only what archives need: the object at the top, strings in pieces, other values skipped. Throws SyntaxError for what is no JSON
 * object, `payload-too-large` for skipped values that are long.
 */
import type { Readable } from 'node:stream';
import { Failure } from '../../model/failure.ts';

const whitespace = /\s/;
const escapes: Readonly<Record<string, string>> = {
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  '"': '"',
  '\\': '\\',
  '/': '/',
};

export class JsonReader {
  readonly #chunks: AsyncIterator<Buffer>;
  readonly #decoder = new TextDecoder('utf-8', { fatal: true });
  readonly #skipLimit: number;
  #text = '';
  #at = 0;
  #skipped = 0;
  #isEnded = false;

  constructor(source: Readable, skipLimit: number) {
    this.#chunks = (source as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
    this.#skipLimit = skipLimit;
  }

  /** Names of the members. Before the next one is asked for, the value has to be read or skipped. */
  async *members(): AsyncGenerator<string> {
    await this.#expect('{');
    if ((await this.#peek()) === '}') return this.#end();
    for (;;) {
      let name = '';
      for await (const part of this.stringValue()) name += this.#counted(part);
      await this.#expect(':');
      yield name;
      const next = await this.#next();
      if (next === '}') break;
      if (next !== ',') throw new SyntaxError('expected , or }');
    }
    await this.#finish();
  }

  /** The string that stands here, in pieces. */
  async *stringValue(): AsyncGenerator<string> {
    await this.#expect('"');
    for (;;) {
      if (this.#at >= this.#text.length && !(await this.#fill()))
        throw new SyntaxError('a string does not end');
      const from = this.#at;
      const length = this.#text.slice(from).search(/["\\]/);
      this.#at = length < 0 ? this.#text.length : from + length;
      if (this.#at > from) yield this.#text.slice(from, this.#at);
      if (length < 0) continue;
      const mark = this.#text[this.#at];
      this.#at += 1;
      if (mark === '"') return;
      yield await this.#escape();
    }
  }

  /** Any value; what is inside it is not looked at closely. */
  async skipValue(): Promise<void> {
    let depth = 0;
    for (;;) {
      const character = await this.#peek();
      if (character === undefined) throw new SyntaxError('a value does not end');
      if (depth === 0 && (character === ',' || character === '}')) return;
      if (character === '"') {
        for await (const part of this.stringValue()) this.#counted(part);
        continue;
      }
      if (character === '{' || character === '[') depth += 1;
      if (character === '}' || character === ']') depth -= 1;
      this.#at += 1;
      this.#counted(character);
    }
  }

  #counted(text: string): string {
    this.#skipped += text.length;
    if (this.#skipped <= this.#skipLimit) return text;
    throw new Failure('payload-too-large', 'The body has more than an archive in it.');
  }

  async #escape(): Promise<string> {
    const letter = await this.#character();
    if (letter !== 'u') {
      const plain = escapes[letter];
      if (plain === undefined) throw new SyntaxError(`no such escape: ${letter}`);
      return plain;
    }
    let digits = '';
    while (digits.length < 4) digits += await this.#character();
    if (!/^[0-9a-f]{4}$/i.test(digits)) throw new SyntaxError('no such escape');
    return String.fromCharCode(Number.parseInt(digits, 16));
  }

  async #expect(character: string): Promise<void> {
    if ((await this.#next()) !== character) throw new SyntaxError(`expected ${character}`);
  }

  async #end(): Promise<void> {
    this.#at += 1;
    await this.#finish();
  }

  /** Nothing but white space may follow. */
  async #finish(): Promise<void> {
    if ((await this.#peek()) !== undefined) throw new SyntaxError('something follows the object');
  }

  /** The next character that is no white space, taken. */
  async #next(): Promise<string | undefined> {
    const character = await this.#peek();
    this.#at += 1;
    return character;
  }

  async #peek(): Promise<string | undefined> {
    for (;;) {
      const character = this.#text[this.#at];
      if (character === undefined) {
        if (!(await this.#fill())) return undefined;
      } else if (!whitespace.test(character)) return character;
      else this.#at += 1;
    }
  }

  async #character(): Promise<string> {
    while (this.#at >= this.#text.length)
      if (!(await this.#fill())) throw new SyntaxError('a string does not end');
    const character = this.#text[this.#at] ?? '';
    this.#at += 1;
    return character;
  }

  /** False at the end. */
  async #fill(): Promise<boolean> {
    if (this.#isEnded) return false;
    const { done, value } = await this.#chunks.next();
    this.#text = done ? this.#decode() : this.#decode(value);
    this.#at = 0;
    this.#isEnded = done === true;
    return this.#text !== '' || (!this.#isEnded && this.#fill());
  }

  #decode(chunk?: Buffer): string {
    try {
      return chunk ? this.#decoder.decode(chunk, { stream: true }) : this.#decoder.decode();
    } catch {
      throw new SyntaxError('this is not UTF-8');
    }
  }
}
