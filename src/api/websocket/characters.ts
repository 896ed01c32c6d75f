/** A stream of bytes cut between characters of UTF-8: some clients fail on half a character at the end of a message. */
import { Transform } from 'node:stream';

/** What follows may never come, and then what is here was no half character. */
const patienceMs = 200;

export function wholeCharacters(): Transform {
  let rest: Buffer = Buffer.alloc(0);
  let timer: NodeJS.Timeout | undefined;
  const stream = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      clearTimeout(timer);
      const all = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      const end = all.length - halfCharacterAtEnd(all);
      rest = all.subarray(end);
      if (rest.length > 0) timer = setTimeout(flush, patienceMs);
      done(null, end === 0 ? undefined : all.subarray(0, end));
    },
    flush(done) {
      flush();
      done();
    },
    destroy(error, done) {
      clearTimeout(timer);
      done(error);
    },
  });
  function flush(): void {
    clearTimeout(timer);
    if (rest.length > 0) stream.push(rest);
    rest = Buffer.alloc(0);
  }
  return stream;
}

/** How many bytes at the end begin a character without completing it. */
export function halfCharacterAtEnd(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (byte < 0x80) return 0;
    if (byte >= 0xc0) return lengthFrom(byte) > back ? back : 0;
  }
  return 0;
}

function lengthFrom(first: number): number {
  if (first >= 0xf8) return 1;
  if (first >= 0xf0) return 4;
  return first >= 0xe0 ? 3 : 2;
}
