/**
 * Messages about unicast routes of the main table. Pure. Contract: linux/rtnetlink.h.
 */
import * as attr from './attributes.ts';
import type { Prefix } from './ip-text.ts';
import { flag, type NetlinkRequest } from './message.ts';

const messageType = { add: 24, remove: 25, get: 26 } as const;
const rta = { destination: 1, link: 4, gateway: 5, table: 15 } as const;
const mainTable = 254;
const unicast = 1;
const byAdministrator = 4;
const scope = { universe: 0, link: 253, any: 255 } as const;
const headerLength = 12;
const family = { 4: 2, 16: 10 } as const;

export interface RouteView {
  readonly to: Prefix;
  readonly via?: Buffer;
  /** Index of the link. */
  readonly index?: number;
}

function body(route: RouteView, header: { scope: number; protocol: number; type: number }): Buffer {
  const buffer = Buffer.alloc(headerLength);
  buffer[0] = family[route.to.bytes.length as 4 | 16];
  buffer[1] = route.to.length;
  buffer[4] = mainTable;
  buffer[5] = header.protocol;
  buffer[6] = header.scope;
  buffer[7] = header.type;
  const parts: Buffer[] = [buffer];
  if (route.to.length > 0) parts.push(attr.bytes(rta.destination, route.to.bytes));
  if (route.via) parts.push(attr.bytes(rta.gateway, route.via));
  if (route.index !== undefined) parts.push(attr.u32(rta.link, route.index));
  return Buffer.concat(parts);
}

/** Adds the route, or gives the present one to the same destination this next hop. */
export function replaceRoute(route: RouteView): NetlinkRequest {
  const onLink = route.via === undefined && route.to.bytes.length === 4;
  return {
    type: messageType.add,
    flags: flag.request | flag.ack | flag.create | flag.replace,
    payload: body(route, {
      scope: onLink ? scope.link : scope.universe,
      protocol: byAdministrator,
      type: unicast,
    }),
  };
}

export function deleteRoute(route: RouteView): NetlinkRequest {
  return {
    type: messageType.remove,
    flags: flag.request | flag.ack,
    payload: body(route, { scope: scope.any, protocol: 0, type: 0 }),
  };
}

export function listRoutes(): NetlinkRequest {
  return { type: messageType.get, flags: flag.request | flag.dump, payload: Buffer.alloc(headerLength) };
}

/** Undefined for what is not a unicast route of the main table. */
export function parseRoute(payload: Buffer): RouteView | undefined {
  const found = attr.parseAttributes(payload.subarray(headerLength));
  const table = attr.readU32(found.get(rta.table)) ?? payload[4];
  if (table !== mainTable || payload[7] !== unicast) return undefined;
  const index = attr.readU32(found.get(rta.link));
  const via = found.get(rta.gateway);
  const zero = Buffer.alloc(payload[0] === family[4] ? 4 : 16);
  return {
    to: { bytes: found.get(rta.destination) ?? zero, length: payload[1] ?? 0 },
    ...(via ? { via } : {}),
    ...(index === undefined ? {} : { index }),
  };
}
