/**
 * Messages about traffic control: a token bucket (TBF) on a link, and the redirection of what arrives by a link to
 * another one, which has a token bucket. Pure.
 *
 * All handles are fixed, so each message makes the thing or changes the one that is there, keeping what is queued.
 * Contract: linux/pkt_sched.h, linux/pkt_cls.h, linux/tc_act/tc_mirred.h.
 */
import type { Bucket } from '../kernel.ts';
import * as attr from './attributes.ts';
import { flag, type NetlinkRequest } from './message.ts';

const messageType = { addQdisc: 36, removeQdisc: 37, getQdisc: 38, addFilter: 44 } as const;
const tca = { kind: 1, options: 2 } as const;
const tbf = { parameters: 1, rate64: 4, burst: 6 } as const;
const u32 = { selector: 5, actions: 7 } as const;
const action = { kind: 1, options: 2 } as const;
const redirection = { parameters: 2 } as const;
const place = { root: 0xffff_ffff, ingress: 0xffff_fff1 } as const;
const handle = { bucket: 0x0001_0000, ingress: 0xffff_0000, filter: 0x8000_0800 } as const;
/** Priority 1, all protocols (ETH_P_ALL, in network order). */
const filterInfo = (1 << 16) | 0x0300;
const ethernet = 1;
const terminal = 1;
const [stolen, egressRedirect] = [4, 1];
const maximum32 = 0xffff_ffff;

interface Target {
  readonly index: number;
  readonly parent: number;
  readonly handle?: number;
  readonly info?: number;
}

function request(type: number, flags: number, target: Target, ...parts: readonly Buffer[]): NetlinkRequest {
  const header = Buffer.alloc(20);
  header.writeInt32LE(target.index, 4);
  header.writeUInt32LE(target.handle ?? 0, 8);
  header.writeUInt32LE(target.parent, 12);
  header.writeUInt32LE(target.info ?? 0, 16);
  return { type, flags: flag.request | flag.ack | flags, payload: Buffer.concat([header, ...parts]) };
}

/** `struct tc_tbf_qopt`; the burst stands in an attribute of its own, in bytes rather than in ticks. */
export function setBucket(index: number, bucket: Bucket): NetlinkRequest {
  const parameters = Buffer.alloc(36);
  parameters[1] = ethernet;
  parameters.writeUInt32LE(clamp(bucket.bytesPerSecond), 8);
  parameters.writeUInt32LE(clamp(bucket.queueBytes), 24);
  const rate64 = Buffer.alloc(8);
  rate64.writeBigUInt64LE(BigInt(Math.round(bucket.bytesPerSecond)));
  const options = attr.nested(
    tca.options,
    attr.bytes(tbf.parameters, parameters),
    attr.u32(tbf.burst, clamp(bucket.burstBytes)),
    ...(bucket.bytesPerSecond >= maximum32 ? [attr.bytes(tbf.rate64, rate64)] : []),
  );
  const target = { index, parent: place.root, handle: handle.bucket };
  return request(
    messageType.addQdisc,
    flag.create | flag.replace,
    target,
    attr.name(tca.kind, 'tbf'),
    options,
  );
}

export function removeBucket(index: number): NetlinkRequest {
  return request(messageType.removeQdisc, 0, { index, parent: place.root, handle: handle.bucket });
}

/** Where filters for what arrives are hung up. */
export function addIngress(index: number): NetlinkRequest {
  const target = { index, parent: place.ingress, handle: handle.ingress };
  return request(messageType.addQdisc, flag.create, target, attr.name(tca.kind, 'ingress'));
}

/** With all of its filters. */
export function removeIngress(index: number): NetlinkRequest {
  return request(messageType.removeQdisc, 0, { index, parent: place.ingress, handle: handle.ingress });
}

/** All that arrives by one link leaves by another (of kind `ifb`, which brings it back to where it was taken from). */
export function redirectAll(from: number, to: number): NetlinkRequest {
  const parameters = Buffer.alloc(28);
  parameters.writeInt32LE(stolen, 8);
  parameters.writeInt32LE(egressRedirect, 20);
  parameters.writeUInt32LE(to, 24);
  const redirect = attr.nested(
    1,
    attr.name(action.kind, 'mirred'),
    attr.nested(action.options, attr.bytes(redirection.parameters, parameters)),
  );
  // One key, 0 under the mask 0: everything.
  const everything = Buffer.alloc(32);
  everything[0] = terminal;
  everything[2] = 1;
  const options = attr.nested(
    tca.options,
    attr.bytes(u32.selector, everything),
    attr.nested(u32.actions, redirect),
  );
  const target = { index: from, parent: handle.ingress, handle: handle.filter, info: filterInfo };
  return request(messageType.addFilter, flag.create, target, attr.name(tca.kind, 'u32'), options);
}

export function listQueues(): NetlinkRequest {
  return { type: messageType.getQdisc, flags: flag.request | flag.dump, payload: Buffer.alloc(20) };
}

export interface QueueView {
  readonly index: number;
  /** `tbf`, `ingress`, `noqueue` … */
  readonly kind: string;
  /** Of a token bucket. */
  readonly bytesPerSecond?: number;
}

export function parseQueue(payload: Buffer): QueueView {
  const found = attr.parseAttributes(payload.subarray(20));
  const kind = attr.readText(found.get(tca.kind)) ?? '';
  const options =
    kind === 'tbf' ? attr.parseAttributes(found.get(tca.options) ?? Buffer.alloc(0)) : undefined;
  const rate = options?.get(tbf.rate64)?.readBigUInt64LE(0) ?? options?.get(tbf.parameters)?.readUInt32LE(8);
  return {
    index: payload.readInt32LE(4),
    kind,
    ...(rate === undefined ? {} : { bytesPerSecond: Number(rate) }),
  };
}

function clamp(value: number): number {
  return Math.min(Math.round(value), maximum32);
}
