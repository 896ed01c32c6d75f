/** What to try in a world: everybody against every address, by each protocol. */
import { type Outcome, reach } from './model.ts';
import type { Packet } from './packet.ts';
import type { Probe } from './prober.ts';
import {
  addressesOf,
  addressOn,
  networkOf,
  outside,
  routedBy,
  versionOf,
  versions,
  type World,
} from './world.ts';

const attempts: readonly Pick<Packet, 'protocol' | 'port'>[] = [
  { protocol: 'udp', port: 80 },
  { protocol: 'udp', port: 81 },
  { protocol: 'tcp', port: 80 },
  { protocol: 'icmp', port: 0 },
];

export interface Expected extends Probe {
  readonly outcome: Outcome | undefined;
}

/**
 * Every pair of sender and address of one version, with what the model says. The last one always arrives: it passes no
 * network of a tenant.
 */
export function probesOf(world: World, sourcePort: number): Expected[] {
  const targets = [...new Set(targetsOf(world))];
  const pairs = sendersOf(world).flatMap(({ sender, own }) =>
    targets
      .filter((to) => !own.includes(to))
      .map((to) => ({ sender, to, from: own.find((from) => versionOf(from) === versionOf(to)) })),
  );
  const last = { sender: 'outside', from: outside.outside(4), to: outside.uplink(4) };
  return [...pairs.filter(({ sender, to }) => sender !== last.sender || to !== last.to), last].flatMap(
    ({ sender, from, to }) => {
      if (from === undefined) return [];
      const isByUplink = sender === 'machine' && !outside.isExternal(to) && !routedBy(world, to);
      const source = isByUplink ? outside.uplink(versionOf(to)) : from;
      return attempts.map(({ protocol, port }) => {
        const packet: Packet = { protocol, from: source, to, port, sourcePort };
        return { sender, packet, outcome: reach(world, sender, packet) };
      });
    },
  );
}

/** With their addresses, of which they use the first of the right version. */
function sendersOf(world: World): { sender: string; own: string[] }[] {
  const ports = world.ports.map((port) => ({ sender: port.name, own: addressesOf(world, port) }));
  return [
    ...ports,
    { sender: 'outside', own: versions.map(outside.outside) },
    { sender: 'machine', own: [...versions.map(outside.machine), ...versions.map(outside.uplink)] },
  ];
}

function targetsOf(world: World): string[] {
  const legs = world.routers.flatMap((router) =>
    router.legs.flatMap(({ network, number }) =>
      versions.map((version) => addressOn(networkOf(world, network), number, version)),
    ),
  );
  const external = world.routers.flatMap(({ gateway, floating, forwarded }) =>
    gateway
      ? [
          outside.external(gateway.number, 6),
          ...[gateway, ...floating, ...forwarded].map(({ number }) => outside.external(number, 4)),
        ]
      : [],
  );
  return [
    ...world.ports.flatMap((port) => addressesOf(world, port)),
    ...legs,
    ...external,
    ...versions.flatMap((version) => [
      outside.machine(version),
      outside.uplink(version),
      outside.outside(version),
    ]),
  ];
}
