import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { entriesOf, FrameDecoder, readOutput, Tail } from './frames.ts';

function frame(stream: 1 | 2, text: string): Buffer {
  const payload = Buffer.from(text);
  const header = Buffer.alloc(8);
  header.writeUInt8(stream, 0);
  header.writeUInt32BE(payload.length, 4);
  return Buffer.concat([header, payload]);
}

test('frames come out whole however the bytes are cut', () => {
  const bytes = Buffer.concat([frame(1, 'héllo '), frame(2, ''), frame(2, 'world'), frame(1, '!')]);
  for (let size = 1; size <= bytes.length; size += 1) {
    const decoder = new FrameDecoder();
    const out: Buffer[] = [];
    for (let at = 0; at < bytes.length; at += size) out.push(...decoder.push(bytes.subarray(at, at + size)));
    assert.equal(Buffer.concat(out).toString(), 'héllo world!', `cut every ${size} bytes`);
  }
});

test('a terminal has no frames', async () => {
  const stream = Readable.from([Buffer.from('a\r\n'), Buffer.from('b')]);
  assert.equal(await readOutput(stream, { isRaw: true, limit: 100 }), 'a\r\nb');
});

async function all<T>(things: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const thing of things) list.push(thing);
  return list;
}

test('entries of a log, however the bytes are cut: frames, or the lines and long pieces of a terminal', async () => {
  const time = '2030-01-01T00:00:00.000000000Z ';
  const pieces = [`${time}one\r\n`, `${time}${'x'.repeat(16_384)}`, `${time}end\r\n`, `${time}rest`];
  const bytes = Buffer.from(pieces.join(''));
  const framed = Buffer.concat([frame(1, 'out'), frame(2, 'err')]);
  const cut = (whole: Buffer, size: number) =>
    Readable.from(
      Array.from({ length: Math.ceil(whole.length / size) }, (_, at) =>
        whole.subarray(at * size, (at + 1) * size),
      ),
    );
  for (const size of [7, 1000, 100_000]) {
    const raw = await all(entriesOf(cut(bytes, size), { isRaw: true }));
    assert.deepEqual(
      raw.map(({ payload }) => payload.toString()),
      pieces,
    );
    const both = await all(entriesOf(cut(framed, size), { isRaw: false }));
    assert.deepEqual(
      both.map(({ isError, payload }) => [isError, payload.toString()]),
      [
        [false, 'out'],
        [true, 'err'],
      ],
    );
  }
});

test('too much output is cut at the front, and says so', () => {
  const tail = new Tail(10);
  for (const line of ['first\n', 'second\n', 'third\n']) tail.push(Buffer.from(line));
  assert.equal(tail.toString(), '[only the last 10 bytes are kept]\nthird\n');
});
