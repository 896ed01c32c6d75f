/**
 * Messages about neighbours (address → MAC) and about a tunnel's forwarding table (MAC → host), both permanent entries
 * of a link. Pure. Contract: linux/neighbour.h.
 */
import * as attr from './attributes.ts';
import { formatMac, parseMac } from './link.ts';
import { flag, type NetlinkRequest } from './message.ts';

const messageType = { add: 28, remove: 29, get: 30 } as const;
const nda = { destination: 1, mac: 2 } as const;
const family = { 4: 2, 16: 10, forwarding: 7 } as const;
const permanent = 0x80;
/** The entry is the link's own, not that of the bridge that it is a port of. */
const ofLink = 0x02;
const headerLength = 12;

export interface NeighbourView {
  /** Index of the link. */
  readonly index: number;
  readonly mac: string;
  /** 4 or 16 bytes: the neighbour's address, or the host's that the MAC address is on. */
  readonly destination: Buffer;
}

type Table = 'neighbours' | 'forwarding';

function request(type: number, flags: number, { table, entry }: Entry): NetlinkRequest {
  const header = Buffer.alloc(headerLength);
  header[0] = table === 'forwarding' ? family.forwarding : family[entry.destination.length as 4 | 16];
  header.writeInt32LE(entry.index, 4);
  header.writeUInt16LE(permanent, 8);
  header[10] = table === 'forwarding' ? ofLink : 0;
  const payload = Buffer.concat([
    header,
    attr.bytes(nda.destination, entry.destination),
    attr.bytes(nda.mac, parseMac(entry.mac)),
  ]);
  return { type, flags: flag.request | flag.ack | flags, payload };
}

interface Entry {
  readonly table: Table;
  readonly entry: NeighbourView;
}

/** Also in place of another one for the same address or MAC. */
export function replaceEntry(table: Table, entry: NeighbourView): NetlinkRequest {
  return request(messageType.add, flag.create | flag.replace, { table, entry });
}

export function deleteEntry(table: Table, entry: NeighbourView): NetlinkRequest {
  return request(messageType.remove, 0, { table, entry });
}

/** Of all links of the namespace. The forwarding tables' dump is asked for with a link's header, as of old. */
export function listEntries(table: Table): NetlinkRequest {
  const payload = Buffer.alloc(table === 'forwarding' ? 16 : headerLength);
  payload[0] = table === 'forwarding' ? family.forwarding : 0;
  return { type: messageType.get, flags: flag.request | flag.dump, payload };
}

/** Undefined for what is not permanent, or has no MAC address or no destination. */
export function parseEntry(payload: Buffer): NeighbourView | undefined {
  if (payload.length < headerLength) throw new RangeError('not a neighbour message');
  const found = attr.parseAttributes(payload.subarray(headerLength));
  const [destination, mac] = [found.get(nda.destination), found.get(nda.mac)];
  const isPermanent = (payload.readUInt16LE(8) & permanent) !== 0;
  if (!isPermanent || destination === undefined || mac?.length !== 6) return undefined;
  return { index: payload.readInt32LE(4), mac: formatMac(mac), destination };
}
