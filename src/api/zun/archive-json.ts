/**
 * Archives inside JSON, piece by piece: `{"data": "<archive>", …}` is read and written without the whole of it in memory.
 *
 * The archive is base64 from microversion 1.25 on, its bytes as text before.
 */
import { Readable } from 'node:stream';
import { Failure } from '../../model/failure.ts';
import type { PathStat } from '../../wire/streams.ts';
import { JsonReader } from './json-reader.ts';

export type Encoding = 'base64' | 'text';

const badBase64 = () => new Failure('invalid', 'Invalid Base 64 file data');
/** Smaller than anything that a file of a container is worth sending for. */
const otherValuesLimit = 65_536;

/** The archive in the member `data` of the body. Throws `schema-validation-error` without one, `invalid` for bad base64. */
export function archiveIn(body: Readable, encoding: Encoding): Readable {
  const texts = dataOf(body);
  return Readable.from(encoding === 'base64' ? decodeBase64(texts) : encodeUtf8(texts), {
    objectMode: false,
  });
}

async function* dataOf(body: Readable): AsyncGenerator<string> {
  const reader = new JsonReader(body, otherValuesLimit);
  let isThere = false;
  try {
    for await (const name of reader.members()) {
      if (name !== 'data') {
        await reader.skipValue();
        continue;
      }
      isThere = true;
      yield* reader.stringValue();
    }
  } catch (error) {
    // What is no JSON counts as no body, as everywhere in this API.
    if (!(error instanceof SyntaxError)) throw error;
    isThere = false;
  } finally {
    body.destroy();
  }
  if (!isThere) throw new Failure('schema-validation-error', "'data' is a required property");
}

async function* decodeBase64(texts: AsyncIterable<string>): AsyncGenerator<Buffer> {
  let rest = '';
  let isPadded = false;
  for await (const text of texts) {
    const clean = text.replaceAll(/\s/g, '');
    if (clean === '') continue;
    if (isPadded && !/^=+$/.test(clean)) throw badBase64();
    if (!/^[A-Za-z0-9+/]*={0,2}$/.test(clean)) throw badBase64();
    isPadded ||= clean.endsWith('=');
    const whole = rest + clean;
    const end = whole.length - (whole.length % 4);
    rest = whole.slice(end);
    if (end > 0) yield Buffer.from(whole.slice(0, end), 'base64');
  }
  if (rest !== '') throw badBase64();
}

async function* encodeUtf8(texts: AsyncIterable<string>): AsyncGenerator<Buffer> {
  for await (const text of texts) if (text !== '') yield Buffer.from(text, 'utf8');
}

/** The body of a reply. It ends in an error, which breaks the connection, when the archive does or is too large. */
export function archiveReply(
  { stat, tar }: { readonly stat: PathStat; readonly tar: Readable },
  { encoding, limitBytes }: { readonly encoding: Encoding; readonly limitBytes: number },
): Readable {
  const limited = limit(tar, limitBytes);
  const texts = encoding === 'base64' ? encodeBase64(limited) : decodeUtf8(limited);
  return Readable.from(wrap(stat, texts), { objectMode: false });
}

async function* wrap(stat: PathStat, texts: AsyncIterable<string>): AsyncGenerator<string> {
  yield `{"stat":${JSON.stringify(stat)},"data":"`;
  for await (const text of texts) yield text;
  yield '"}';
}

async function* limit(source: Readable, limitBytes: number): AsyncGenerator<Buffer> {
  let sent = 0;
  try {
    for await (const chunk of source as AsyncIterable<Buffer>) {
      sent += chunk.length;
      if (sent > limitBytes)
        throw new Failure('payload-too-large', `The archive is larger than ${limitBytes} bytes.`);
      yield chunk;
    }
  } finally {
    source.destroy();
  }
}

async function* encodeBase64(chunks: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of chunks) {
    const whole = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
    const end = whole.length - (whole.length % 3);
    rest = whole.subarray(end);
    if (end > 0) yield whole.toString('base64', 0, end);
  }
  yield rest.toString('base64');
}

/** Fatal: an archive that is no text cannot be asked for at these versions without being damaged. */
async function* decodeUtf8(chunks: AsyncIterable<Buffer>): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const escaped = (text: string) => JSON.stringify(text).slice(1, -1);
  for await (const chunk of chunks) yield escaped(decoder.decode(chunk, { stream: true }));
  yield escaped(decoder.decode());
}
