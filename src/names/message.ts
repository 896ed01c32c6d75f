/**
 * DNS messages, as far as a resolver between containers and servers must read them (RFC 1035, 6891). Pure.
 *
 * Messages from both sides are hostile: every length is checked, and what is not well-formed is refused with a
 * `RangeError`. What servers say is passed on as it is, only aged: it is not decoded and encoded again, which would lose
 * what we do not know. Own answers are encoded by `dns-packet`.
 */
import { encode, type Answer as PacketAnswer } from 'dns-packet';

export const type = {
  a: 1,
  ns: 2,
  soa: 6,
  ptr: 12,
  aaaa: 28,
  opt: 41,
  ixfr: 251,
  axfr: 252,
  any: 255,
} as const;
export const rcode = {
  noError: 0,
  formatError: 1,
  serverFailure: 2,
  nameError: 3,
  notImplemented: 4,
  refused: 5,
} as const;
export const flag = {
  response: 0x8000,
  authoritative: 0x0400,
  truncated: 0x0200,
  recursionDesired: 0x0100,
} as const;
const recursionAvailable = 0x0080;
const checkingDisabled = 0x0010;
const opcodeMask = 0x7800;
const headerLength = 12;
export const internet = 1;
/** What fits into one frame everywhere (DNS flag day 2020). */
export const datagramSize = 1232;
const smallestDatagram = 512;
const dnssecOk = 0x8000;

export interface Edns {
  readonly size: number;
  readonly dnssecOk: boolean;
  readonly version: number;
}

export interface Query {
  readonly id: number;
  readonly flags: number;
  /** Name, type and class as they came. */
  readonly question: Buffer;
  /** Lower case, without the final dot; bytes that no host name has are escaped as `\ddd`. */
  readonly name: string;
  readonly type: number;
  readonly class: number;
  readonly edns: Edns | undefined;
}

export type Answer = Query & {
  readonly message: Buffer;
  readonly rcode: number;
  /** Where the lifetimes stand, OPT apart. */
  readonly lifetimes: readonly number[];
  /** For how long the answer may be kept, in seconds: the shortest of the lifetimes; of "there is none" its SOA's. */
  readonly keepSeconds: number;
};

/** One record of an own answer, without the name that it belongs to. */
export interface Resource {
  /** `question` = the name asked for. */
  readonly owner: 'question' | string;
  readonly type: 'A' | 'AAAA' | 'PTR' | 'SOA';
  readonly data: unknown;
}

export interface Reply {
  readonly rcode: number;
  readonly answers?: readonly Resource[];
  readonly authority?: readonly Resource[];
}

interface Section {
  readonly start: number;
  readonly type: number;
  readonly class: number;
  readonly lifetimeAt: number;
  readonly section: number;
  readonly end: number;
}

export function isResponse(message: Buffer): boolean {
  return message.length >= headerLength && (message.readUInt16BE(2) & flag.response) !== 0;
}

/** Of a message with exactly one question. */
export function parseQuery(message: Buffer): Query {
  if (message.length < headerLength || message.readUInt16BE(4) !== 1) {
    throw new RangeError('not a message with one question');
  }
  const { name, end } = readName(message, headerLength);
  if (end + 4 > message.length) throw new RangeError('a question without its end');
  const opt = records(message, end + 4).find((one) => one.type === type.opt);
  return {
    id: message.readUInt16BE(0),
    flags: message.readUInt16BE(2),
    question: message.subarray(headerLength, end + 4),
    name,
    type: message.readUInt16BE(end),
    class: message.readUInt16BE(end + 2),
    edns: opt && readEdns(message, opt),
  };
}

export function opcodeOf({ flags }: Query): number {
  return (flags & opcodeMask) >> 11;
}

/** The query as it is sent on: same question, our own EDNS, none of the asker's options. */
export function toUpstream(query: Query, id: number, withEdns: boolean): Buffer {
  const header = Buffer.alloc(headerLength);
  header.writeUInt16BE(id, 0);
  header.writeUInt16BE(flag.recursionDesired | (query.flags & checkingDisabled), 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(withEdns ? 1 : 0, 10);
  const opt = withEdns ? [optRecord(query.edns?.dnssecOk ?? false)] : [];
  return Buffer.concat([header, query.question, ...opt]);
}

/** What makes two queries the same to a server. */
export function keyOf(query: Query): string {
  const bits = `${query.flags & checkingDisabled}${query.edns?.dnssecOk ? 'd' : ''}`;
  return `${query.name} ${query.type} ${query.class} ${bits}`;
}

/** A server's answer, without its OPT record. Throws when it is not a well-formed answer with one question. */
export function parseAnswer(received: Buffer): Answer {
  const query = parseQuery(received);
  if (!isResponse(received)) throw new RangeError('not an answer');
  const all = records(received, headerLength + query.question.length);
  const opt = all.find((one) => one.type === type.opt);
  const message = opt ? cutFrom(received, opt, all) : received;
  const kept = all.filter((one) => opt === undefined || one.start < opt.start);
  const code = query.flags & 0xf;
  const isNegative = code === rcode.nameError || kept.every(({ section }) => section !== 0);
  return {
    ...query,
    message,
    rcode: code,
    lifetimes: kept.map(({ lifetimeAt }) => lifetimeAt),
    keepSeconds: isNegative ? negativeLifetime(message, kept) : shortestLifetime(message, kept),
  };
}

/** The answer as the asker of `query` gets it, `seconds` after it came. */
export function passOn(answer: Answer, query: Query, seconds: number): Buffer {
  const message = Buffer.from(answer.message);
  message.writeUInt16BE(query.id, 0);
  const asked = flag.recursionDesired | checkingDisabled;
  message.writeUInt16BE((message.readUInt16BE(2) & ~asked) | (query.flags & asked) | recursionAvailable, 2);
  query.question.copy(message, headerLength);
  for (const at of answer.lifetimes) {
    message.writeUInt32BE(Math.max(0, lifetime(message, at) - seconds), at);
  }
  if (!query.edns) return message;
  message.writeUInt16BE(message.readUInt16BE(10) + 1, 10);
  return Buffer.concat([message, optRecord(query.edns.dnssecOk)]);
}

export function reply(
  query: Query,
  { rcode: code, answers = [], authority = [] }: Reply,
  isOwn = true,
): Buffer {
  const header = Buffer.alloc(headerLength);
  header.writeUInt16BE(query.id, 0);
  const kept = query.flags & (opcodeMask | flag.recursionDesired | checkingDisabled);
  const own = isOwn ? flag.authoritative : 0;
  header.writeUInt16BE(flag.response | own | kept | recursionAvailable | code, 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(answers.length, 6);
  header.writeUInt16BE(authority.length, 8);
  header.writeUInt16BE(query.edns ? 1 : 0, 10);
  return Buffer.concat([
    header,
    query.question,
    ...[...answers, ...authority].map(encodeResource),
    ...(query.edns ? [optRecord(query.edns.dnssecOk)] : []),
  ]);
}

/** As much as a datagram to the asker may hold; what does not fit is left out, and the asker comes again by TCP. */
export function fitDatagram(message: Buffer, query: Query): Buffer {
  const limit = Math.min(datagramSize, Math.max(smallestDatagram, query.edns?.size ?? 0));
  if (message.length <= limit) return message;
  const short = reply(query, { rcode: message.readUInt16BE(2) & 0xf }, false);
  short.writeUInt16BE(message.readUInt16BE(2) | flag.truncated, 2);
  return short;
}

/** Own answers live that long: a container may be gone the next moment. */
export const ownLifetimeSeconds = 5;

function encodeResource({ owner, ...resource }: Resource): Buffer {
  // A pointer to the question's name, which stands right behind the header.
  const name = owner === 'question' ? Buffer.from([0xc0, headerLength]) : encodeName(owner);
  const record = { ...resource, name: '.', ttl: ownLifetimeSeconds } as PacketAnswer;
  return Buffer.concat([name, encode({ type: 'response', answers: [record] }).subarray(headerLength + 1)]);
}

function encodeName(name: string): Buffer {
  const labels = name.split('.').map((label) => Buffer.from(label, 'latin1'));
  return Buffer.concat([...labels.flatMap((label) => [Buffer.of(label.length), label]), Buffer.of(0)]);
}

function optRecord(isDnssecOk: boolean): Buffer {
  const opt = Buffer.alloc(11);
  opt.writeUInt16BE(type.opt, 1);
  opt.writeUInt16BE(datagramSize, 3);
  opt.writeUInt16BE(isDnssecOk ? dnssecOk : 0, 7);
  return opt;
}

function readEdns(message: Buffer, { lifetimeAt, class: size }: Section): Edns {
  return {
    size,
    version: message[lifetimeAt + 1] ?? 0,
    dnssecOk: (message.readUInt16BE(lifetimeAt + 2) & dnssecOk) !== 0,
  };
}

/** All records from there on; the message must end with the last one. */
function records(message: Buffer, from: number): Section[] {
  const counts = [6, 8, 10].map((at) => message.readUInt16BE(at));
  const found: Section[] = [];
  let at = from;
  for (const [section, count] of counts.entries()) {
    for (let left = count; left > 0; left -= 1) {
      const { end } = readName(message, at);
      if (end + 10 > message.length) throw new RangeError('a record without its end');
      const next = end + 10 + message.readUInt16BE(end + 8);
      if (next > message.length) throw new RangeError('a record longer than the message');
      found.push({
        start: at,
        type: message.readUInt16BE(end),
        class: message.readUInt16BE(end + 2),
        lifetimeAt: end + 4,
        section,
        end: next,
      });
      at = next;
    }
  }
  return found;
}

function readName(message: Buffer, from: number): { name: string; end: number } {
  const labels: string[] = [];
  let [at, end, length] = [from, 0, 0];
  // Pointers lead backwards only, so this ends.
  for (let lowest = from; ; ) {
    const size = message[at] ?? 0x40;
    if (size === 0) return { name: labels.join('.'), end: end || at + 1 };
    if (size >= 0xc0) {
      end ||= at + 2;
      at = at + 1 < message.length ? message.readUInt16BE(at) & 0x3fff : lowest;
      if (at >= lowest || at < headerLength) throw new RangeError('a name that points forwards');
      lowest = at;
      continue;
    }
    length += size + 1;
    if (size > 63 || length > 254 || at + 1 + size > message.length) throw new RangeError('a name too long');
    labels.push(readLabel(message.subarray(at + 1, at + 1 + size)));
    at += size + 1;
  }
}

function readLabel(label: Buffer): string {
  return label
    .toString('latin1')
    .toLowerCase()
    .replaceAll(/[^a-z0-9_-]/g, (char) => `\\${String(char.charCodeAt(0)).padStart(3, '0')}`);
}

/** RFC 2181, 8: the uppermost bit must be zero. */
function lifetime(message: Buffer, at: number): number {
  const value = message.readUInt32BE(at);
  return value > 0x7fff_ffff ? 0 : value;
}

function shortestLifetime(message: Buffer, all: readonly Section[]): number {
  return Math.min(...all.map(({ lifetimeAt }) => lifetime(message, lifetimeAt)));
}

/** RFC 2308: the lesser of the SOA's own lifetime and its last number. Without SOA it is not kept. */
function negativeLifetime(message: Buffer, all: readonly Section[]): number {
  const soa = all.find((one) => one.section === 1 && one.type === type.soa);
  if (!soa || soa.end - soa.lifetimeAt < 26) return 0;
  return Math.min(lifetime(message, soa.lifetimeAt), message.readUInt32BE(soa.end - 4));
}

/** Without the OPT record; what follows it goes too, since it may point to names behind it. */
function cutFrom(message: Buffer, opt: Section, all: readonly Section[]): Buffer {
  if (opt.section !== 2) throw new RangeError('an OPT record outside of its section');
  const cut = Buffer.from(message.subarray(0, opt.start));
  cut.writeUInt16BE(all.filter((one) => one.section === 2 && one.start < opt.start).length, 10);
  return cut;
}
