/**
 * Messages about the addresses of a link. Pure. Contract: linux/if_addr.h.
 *
 * IPv6 addresses are added without duplicate address detection: the network service has given each to one port
 * only, and a container must be able to use its address at once.
 */
import * as attr from './attributes.ts';
import type { Prefix } from './ip-text.ts';
import { flag, type NetlinkRequest } from './message.ts';

const messageType = { add: 20, remove: 21, get: 22 } as const;
const ifa = { address: 1, local: 2, flags: 8 } as const;
const withoutDetection = 0x02;
const headerLength = 8;
const family = { 4: 2, 16: 10 } as const;

export interface AddressView {
  /** Index of the link. */
  readonly index: number;
  readonly prefix: Prefix;
}

function header(index: number, prefix: Prefix): Buffer {
  const buffer = Buffer.alloc(headerLength);
  buffer[0] = family[prefix.bytes.length as 4 | 16];
  buffer[1] = prefix.length;
  buffer.writeUInt32LE(index, 4);
  return buffer;
}

function body({ index, prefix }: AddressView): Buffer[] {
  return [header(index, prefix), attr.bytes(ifa.local, prefix.bytes), attr.bytes(ifa.address, prefix.bytes)];
}

export function addAddress(address: AddressView): NetlinkRequest {
  const parts = body(address);
  if (address.prefix.bytes.length === 16) parts.push(attr.u32(ifa.flags, withoutDetection));
  return {
    type: messageType.add,
    flags: flag.request | flag.ack | flag.create | flag.exclusive,
    payload: Buffer.concat(parts),
  };
}

export function deleteAddress(address: AddressView): NetlinkRequest {
  return {
    type: messageType.remove,
    flags: flag.request | flag.ack,
    payload: Buffer.concat(body(address)),
  };
}

export function listAddresses(): NetlinkRequest {
  return { type: messageType.get, flags: flag.request | flag.dump, payload: Buffer.alloc(headerLength) };
}

export function parseAddress(payload: Buffer): AddressView {
  const found = attr.parseAttributes(payload.subarray(headerLength));
  // On a link with a peer address, `address` is the peer's and `local` ours; IPv6 gives only `address`.
  const value = found.get(ifa.local) ?? found.get(ifa.address);
  if (value === undefined) throw new RangeError('netlink address message without an address');
  return { index: payload.readUInt32LE(4), prefix: { bytes: value, length: payload[1] ?? 0 } };
}
