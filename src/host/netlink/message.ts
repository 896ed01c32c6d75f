/**
 * Netlink messages: the 16-byte header, and the kernel's answers (acknowledgement, error, end of a dump). Pure.
 *
 * A request is a type, flags and a payload; the socket adds the sequence number. An error carries the kernel's
 * own sentence where it has one (extended acknowledgement), which is what makes "invalid argument" readable.
 */
import { getSystemErrorMap } from 'node:util';
import { align, parseAttributes, readText } from './attributes.ts';

const headerLength = 16;

export const flag = {
  request: 0x1,
  multi: 0x2,
  ack: 0x4,
  dumpInterrupted: 0x10,
  capped: 0x100,
  ackAttributes: 0x200,
  dump: 0x300,
  replace: 0x100,
  exclusive: 0x200,
  create: 0x400,
} as const;

const control = { error: 2, done: 3 } as const;
const messageAttribute = 1;

export interface NetlinkRequest {
  readonly type: number;
  readonly flags: number;
  readonly payload: Buffer;
}

export interface NetlinkMessage {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  readonly payload: Buffer;
}

export class NetlinkError extends Error {
  override readonly name = 'NetlinkError';
  /** The kernel's error number, positive. */
  readonly errno: number;

  constructor(errno: number, hint?: string) {
    super(hint ? `${describeErrno(errno)}: ${hint}` : describeErrno(errno));
    this.errno = errno;
  }
}

/** `file already exists (EEXIST)`. */
export function describeErrno(errno: number): string {
  const known = getSystemErrorMap().get(-errno);
  return known ? `${known[1]} (${known[0]})` : `error ${errno}`;
}

export function encodeMessage(request: NetlinkRequest, sequence: number): Buffer {
  const header = Buffer.alloc(headerLength);
  header.writeUInt32LE(headerLength + request.payload.length, 0);
  header.writeUInt16LE(request.type, 4);
  header.writeUInt16LE(request.flags, 6);
  header.writeUInt32LE(sequence, 8);
  return Buffer.concat([header, request.payload]);
}

/** The messages of one datagram. */
export function parseMessages(datagram: Buffer): NetlinkMessage[] {
  const messages: NetlinkMessage[] = [];
  let at = 0;
  while (at + headerLength <= datagram.length) {
    const length = datagram.readUInt32LE(at);
    if (length < headerLength || at + length > datagram.length) {
      throw new RangeError(`netlink message of ${length} bytes at ${at} of ${datagram.length}`);
    }
    messages.push({
      type: datagram.readUInt16LE(at + 4),
      flags: datagram.readUInt16LE(at + 6),
      sequence: datagram.readUInt32LE(at + 8),
      payload: datagram.subarray(at + headerLength, at + length),
    });
    at += align(length);
  }
  return messages;
}

/**
 * What a message says about the request's end: `done` = acknowledged or dump complete, `more` = it is data.
 * Throws the error that it reports.
 */
export function outcomeOf(message: NetlinkMessage): 'done' | 'more' {
  if (message.type !== control.error && message.type !== control.done) return 'more';
  const errno = message.payload.length >= 4 ? -message.payload.readInt32LE(0) : 0;
  if (errno > 0) throw new NetlinkError(errno, hintOf(message));
  return 'done';
}

/** The kernel's sentence behind the error number, where it gives one. */
function hintOf(message: NetlinkMessage): string | undefined {
  if ((message.flags & flag.ackAttributes) === 0) return undefined;
  const isError = message.type === control.error;
  if (isError && message.payload.length < 8) return undefined;
  // An error repeats the request's header, and all of the request unless the answer is capped.
  const request = (message.flags & flag.capped) !== 0 ? headerLength : message.payload.readUInt32LE(4);
  const start = isError ? 4 + align(request) : 4;
  return readText(parseAttributes(message.payload.subarray(start)).get(messageAttribute));
}
