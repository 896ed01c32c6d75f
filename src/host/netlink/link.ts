/**
 * Messages about links: veth pairs, bridges, their properties and their ports' flags. Pure.
 *
 * A namespace in a message is an open file descriptor of it, valid in the sending process.
 * Contract: linux/if_link.h, linux/rtnetlink.h.
 */
import * as attr from './attributes.ts';
import { flag, type NetlinkRequest } from './message.ts';

const messageType = { add: 16, remove: 17, get: 18, set: 19 } as const;
const ifla = {
  address: 1,
  name: 3,
  mtu: 4,
  link: 5,
  qdisc: 6,
  master: 10,
  linkInfo: 18,
  alias: 20,
  group: 27,
  netnsFd: 28,
  extensionMask: 29,
} as const;
const info = { kind: 1, data: 2, slaveKind: 4, slaveData: 5 } as const;
const vethPeer = 1;
const bridge = { forwardDelay: 1, stp: 5, groupForwardMask: 9, multicastSnooping: 23 } as const;
/** All link-local groups that the kernel lets a bridge forward (01:80:c2:00:00:03 to :0f). */
const forwardedGroups = 0xfff8;
const port = {
  hairpin: 4,
  learning: 8,
  unicastFlood: 9,
  multicastFlood: 27,
  neighSuppress: 32,
  isolated: 33,
} as const;
const isUp = 0x1;
/** Leaves the counters out of answers: they are most of a message. */
const withoutStatistics = 1 << 3;
const headerLength = 16;
const bridgeFamily = 7;

export interface LinkView {
  readonly index: number;
  readonly name: string;
  readonly kind: string;
  readonly mac: string;
  readonly mtu: number;
  readonly up: boolean;
  readonly alias: string;
  /** Index of the bridge it is a port of. */
  readonly master?: number;
  /** Kind of the queue that what leaves by it waits in: `noqueue`, `tbf` … */
  readonly qdisc: string;
  /** Index of a veth's other end, in that end's namespace; of a VLAN's or macvlan's parent. */
  readonly peer?: number;
}

export interface LinkChange {
  readonly mtu?: number;
  readonly mac?: string;
  readonly alias?: string;
  /** 0 = no longer a port of a bridge. */
  readonly master?: number;
  readonly group?: number;
  /** Moves the link there, in the same change. */
  readonly netnsFd?: number;
  readonly name?: string;
}

export interface BridgePortChange {
  readonly hairpin?: boolean;
  readonly learning?: boolean;
  /** Unicast to an unknown destination, and multicast. */
  readonly flood?: boolean;
  readonly neighSuppress?: boolean;
  /** Frames pass between this port and those that are not isolated only. */
  readonly isolated?: boolean;
}

export interface VethEnd {
  readonly name: string;
  readonly mac?: string;
}

export interface NewVeth extends VethEnd {
  readonly mtu: number;
  readonly peer: VethEnd & { readonly netnsFd: number };
}

function header(index: number, up?: boolean): Buffer {
  const buffer = Buffer.alloc(headerLength);
  buffer.writeInt32LE(index, 4);
  if (up !== undefined) {
    buffer.writeUInt32LE(up ? isUp : 0, 8);
    buffer.writeUInt32LE(isUp, 12);
  }
  return buffer;
}

function request(type: number, flags: number, ...parts: readonly Uint8Array[]): NetlinkRequest {
  return { type, flags: flag.request | flags, payload: Buffer.concat(parts) };
}

const creating = flag.ack | flag.create | flag.exclusive;

function endOf(end: VethEnd, mtu: number): Buffer[] {
  const parts = [attr.name(ifla.name, end.name), attr.u32(ifla.mtu, mtu)];
  if (end.mac !== undefined) parts.push(attr.bytes(ifla.address, parseMac(end.mac)));
  return parts;
}

export function newVeth(veth: NewVeth): NetlinkRequest {
  const peer = attr.nested(
    vethPeer,
    header(0),
    ...endOf(veth.peer, veth.mtu),
    attr.u32(ifla.netnsFd, veth.peer.netnsFd),
  );
  const kind = attr.nested(ifla.linkInfo, attr.name(info.kind, 'veth'), attr.nested(info.data, peer));
  return request(messageType.add, creating, header(0), ...endOf(veth, veth.mtu), kind);
}

/**
 * A bridge without spanning tree and without multicast snooping: no querier lives on a tenant's network. Link-local
 * frames (LLDP and the like) take the way of all others: the bridge would otherwise learn their senders' MACs
 * without any nftables hook having seen the frame.
 */
export function newBridge(name: string, mac?: string): NetlinkRequest {
  const settings = attr.nested(
    info.data,
    attr.u32(bridge.forwardDelay, 0),
    attr.u32(bridge.stp, 0),
    attr.u16(bridge.groupForwardMask, forwardedGroups),
    attr.u8(bridge.multicastSnooping, 0),
  );
  const parts = [
    attr.name(ifla.name, name),
    attr.nested(ifla.linkInfo, attr.name(info.kind, 'bridge'), settings),
  ];
  if (mac !== undefined) parts.push(attr.bytes(ifla.address, parseMac(mac)));
  return request(messageType.add, creating, header(0), ...parts);
}

export interface NewLink {
  readonly name: string;
  readonly kind: string;
  /** The kind's own settings, see ./link-kinds. */
  readonly data?: readonly Buffer[];
  readonly mtu?: number;
  readonly mac?: string;
  /** Index of the link that it stands on. */
  readonly parent?: number;
  /** Where it is to live; what it sends from stays the namespace of the socket. */
  readonly netnsFd?: number;
}

export function newLink({ name, kind, data, mtu, mac, parent, netnsFd }: NewLink): NetlinkRequest {
  const settings = data ? [attr.nested(info.data, ...data)] : [];
  const parts = [
    attr.name(ifla.name, name),
    attr.nested(ifla.linkInfo, attr.name(info.kind, kind), ...settings),
  ];
  if (mtu !== undefined) parts.push(attr.u32(ifla.mtu, mtu));
  if (mac !== undefined) parts.push(attr.bytes(ifla.address, parseMac(mac)));
  if (parent !== undefined) parts.push(attr.u32(ifla.link, parent));
  if (netnsFd !== undefined) parts.push(attr.u32(ifla.netnsFd, netnsFd));
  return request(messageType.add, creating, header(0), ...parts);
}

export function changeLink(index: number, change: LinkChange): NetlinkRequest {
  const parts: Buffer[] = [header(index)];
  if (change.mtu !== undefined) parts.push(attr.u32(ifla.mtu, change.mtu));
  if (change.mac !== undefined) parts.push(attr.bytes(ifla.address, parseMac(change.mac)));
  if (change.alias !== undefined) parts.push(attr.bytes(ifla.alias, Buffer.from(change.alias)));
  if (change.master !== undefined) parts.push(attr.u32(ifla.master, change.master));
  if (change.netnsFd !== undefined) parts.push(attr.u32(ifla.netnsFd, change.netnsFd));
  if (change.name !== undefined) parts.push(attr.name(ifla.name, change.name));
  if (change.group !== undefined) parts.push(attr.u32(ifla.group, change.group));
  return request(messageType.set, flag.ack, ...parts);
}

export function setUp(index: number, up: boolean): NetlinkRequest {
  return request(messageType.set, flag.ack, header(index, up));
}

export function changeBridgePort(index: number, change: BridgePortChange): NetlinkRequest {
  const settings: (readonly [number, boolean | undefined])[] = [
    [port.hairpin, change.hairpin],
    [port.learning, change.learning],
    [port.unicastFlood, change.flood],
    [port.multicastFlood, change.flood],
    [port.neighSuppress, change.neighSuppress],
    [port.isolated, change.isolated],
  ];
  const data = settings.flatMap(([type, on]) => (on === undefined ? [] : [attr.u8(type, on ? 1 : 0)]));
  const slave = attr.nested(
    ifla.linkInfo,
    attr.name(info.slaveKind, 'bridge'),
    attr.nested(info.slaveData, ...data),
  );
  return request(messageType.add, flag.ack, header(index), slave);
}

export function deleteLink(index: number): NetlinkRequest {
  return request(messageType.remove, flag.ack, header(index));
}

/** Deletes all links of a group with a single wait for the kernel's grace period. */
export function deleteGroup(group: number): NetlinkRequest {
  return request(messageType.remove, flag.ack, header(0), attr.u32(ifla.group, group));
}

export function getLink(name: string): NetlinkRequest {
  const mask = attr.u32(ifla.extensionMask, withoutStatistics);
  return request(messageType.get, 0, header(0), attr.name(ifla.name, name), mask);
}

export function listLinks(): NetlinkRequest {
  return request(messageType.get, flag.dump, header(0), attr.u32(ifla.extensionMask, withoutStatistics));
}

export function parseLink(payload: Buffer): LinkView {
  if (payload.length < headerLength || payload[0] === bridgeFamily)
    throw new RangeError('not a link message');
  const found = attr.parseAttributes(payload.subarray(headerLength));
  const kind = attr.parseAttributes(found.get(ifla.linkInfo) ?? Buffer.alloc(0)).get(info.kind);
  const master = attr.readU32(found.get(ifla.master));
  const peer = attr.readU32(found.get(ifla.link));
  return {
    index: payload.readInt32LE(4),
    name: attr.readText(found.get(ifla.name)) ?? '',
    kind: attr.readText(kind) ?? '',
    mac: formatMac(found.get(ifla.address) ?? Buffer.alloc(0)),
    mtu: attr.readU32(found.get(ifla.mtu)) ?? 0,
    up: (payload.readUInt32LE(8) & isUp) !== 0,
    alias: attr.readText(found.get(ifla.alias)) ?? '',
    qdisc: attr.readText(found.get(ifla.qdisc)) ?? '',
    ...(master ? { master } : {}),
    ...(peer ? { peer } : {}),
  };
}

export function parseMac(text: string): Buffer {
  if (!/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i.test(text)) throw new Error(`"${text}" is not a MAC address`);
  return Buffer.from(text.replaceAll(':', ''), 'hex');
}

export function formatMac(address: Uint8Array): string {
  return [...address].map((byte) => byte.toString(16).padStart(2, '0')).join(':');
}
