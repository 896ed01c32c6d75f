import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { FrameDecoder, readOutput, Tail } from './frames.ts';

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

test('too much output is cut at the front, and says so', () => {
  const tail = new Tail(10);
  for (const line of ['first\n', 'second\n', 'third\n']) tail.push(Buffer.from(line));
  assert.equal(tail.toString(), '[only the last 10 bytes are kept]\nthird\n');
});
