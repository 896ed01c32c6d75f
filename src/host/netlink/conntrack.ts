/**
 * Messages about tracked connections (ctnetlink): which are translated, and their end. Pure.
 *
 * Numbers in these messages are in network byte order. Contract: linux/netfilter/nfnetlink_conntrack.h.
 */
import * as attr from './attributes.ts';
import { flag, type NetlinkRequest } from './message.ts';

const subsystem = 1 << 8;
const messageType = { get: subsystem | 1, remove: subsystem | 2 } as const;
const cta = { original: 1, reply: 2, status: 3, id: 12, zone: 18, filter: 25 } as const;
const tuple = { ip: 1, protocol: 2 } as const;
const ip = { source4: 1, destination4: 2, source6: 3, destination6: 4 } as const;
const protocol = { number: 1, sourcePort: 2, destinationPort: 3 } as const;
const filterFlags = { original: 1, reply: 2 } as const;
const byDestination = 1 << 1;
const status = { sourceNat: 1 << 4, destinationNat: 1 << 5 } as const;
const headerLength = 4;
const family = { 4: 2, 16: 10 } as const;

/** One direction of a connection; ports are absent where the protocol has none. */
export interface Tuple {
  readonly source: Buffer;
  readonly destination: Buffer;
  readonly protocol: number;
  readonly sourcePort?: number;
  readonly destinationPort?: number;
}

export interface ConnectionView {
  readonly original: Tuple;
  readonly reply: Tuple;
  readonly isSourceTranslated: boolean;
  readonly isDestinationTranslated: boolean;
  /** What names it in a message: its tuple, zone and id, as they came. */
  readonly handle: Buffer;
}

function header(version: number): Buffer {
  return Buffer.of(version, 0, 0, 0);
}

export function listConnections(): NetlinkRequest {
  return { type: messageType.get, flags: flag.request | flag.dump, payload: header(0) };
}

/** Those whose packets in one direction are sent to the address. The kernel looks (since 5.8); older ones give all. */
export function listConnectionsTo(address: Buffer, direction: 'original' | 'reply'): NetlinkRequest {
  const isV4 = address.length === 4;
  const destination = attr.bytes(isV4 ? ip.destination4 : ip.destination6, address);
  return {
    type: messageType.get,
    flags: flag.request | flag.dump,
    payload: Buffer.concat([
      header(family[isV4 ? 4 : 16]),
      attr.nested(cta[direction], attr.nested(tuple.ip, destination)),
      attr.nested(cta.filter, attr.u32(filterFlags[direction], byDestination)),
    ]),
  };
}

export function deleteConnection({ handle, original }: ConnectionView): NetlinkRequest {
  return {
    type: messageType.remove,
    flags: flag.request | flag.ack,
    payload: Buffer.concat([header(family[original.source.length as 4 | 16]), handle]),
  };
}

/** Undefined for what is not complete: a connection that is just being made or unmade. */
export function parseConnection(payload: Buffer): ConnectionView | undefined {
  const found = attr.parseAttributes(payload.subarray(headerLength));
  const [original, reply] = [parseTuple(found.get(cta.original)), parseTuple(found.get(cta.reply))];
  if (!original || !reply) return undefined;
  const bits = found.get(cta.status)?.readUInt32BE(0) ?? 0;
  const handle = [cta.original, cta.zone, cta.id].flatMap((type) => {
    const value = found.get(type);
    return value ? [type === cta.original ? attr.nested(type, value) : attr.bytes(type, value)] : [];
  });
  return {
    original,
    reply,
    isSourceTranslated: (bits & status.sourceNat) !== 0,
    isDestinationTranslated: (bits & status.destinationNat) !== 0,
    handle: Buffer.concat(handle),
  };
}

function parseTuple(value: Buffer | undefined): Tuple | undefined {
  if (value === undefined) return undefined;
  const parts = attr.parseAttributes(value);
  const addresses = attr.parseAttributes(parts.get(tuple.ip) ?? Buffer.alloc(0));
  const header = attr.parseAttributes(parts.get(tuple.protocol) ?? Buffer.alloc(0));
  const source = addresses.get(ip.source4) ?? addresses.get(ip.source6);
  const destination = addresses.get(ip.destination4) ?? addresses.get(ip.destination6);
  if (!source || !destination) return undefined;
  const [from, to] = [header.get(protocol.sourcePort), header.get(protocol.destinationPort)];
  return {
    source,
    destination,
    protocol: header.get(protocol.number)?.[0] ?? 0,
    ...(from ? { sourcePort: from.readUInt16BE(0) } : {}),
    ...(to ? { destinationPort: to.readUInt16BE(0) } : {}),
  };
}
