/** Reads the exposed and published ports that dockerd tells of a container. Pure. */
import Type from 'typebox';
import type { Opening } from '../own-group.ts';
import { parserOf } from './protocol.ts';

const PortNumber = Type.Integer({ minimum: 0, maximum: 65_535 });
const Exposed = { Proto: Type.Integer({ minimum: 0, maximum: 255 }), Port: PortNumber };
const keys = {
  exposed: 'com.docker.network.endpoint.exposedports',
  mapped: 'com.docker.network.portmap',
} as const;

const readLabels = parserOf(
  Type.Object({
    [keys.exposed]: Type.Optional(Type.Union([Type.Array(Type.Object(Exposed)), Type.Null()])),
    [keys.mapped]: Type.Optional(
      Type.Union([Type.Array(Type.Object({ ...Exposed, HostPort: Type.Optional(PortNumber) })), Type.Null()]),
    ),
  }),
);

/** By IP protocol number, as the network service names them. */
const protocols: Readonly<Record<number, string>> = { 1: 'icmp', 6: 'tcp', 17: 'udp', 132: 'sctp' };

export interface Published {
  readonly protocol: string;
  readonly port: number;
  readonly externalPort: number;
}

/** Consecutive ports of a protocol are one opening. Throws `invalid` when the labels are not as dockerd sends them. */
export function openingsOf(labels: unknown): Opening[] {
  const { [keys.exposed]: exposed, [keys.mapped]: mapped } = readLabels(labels ?? {});
  const byProtocol = Map.groupBy([...(exposed ?? []), ...(mapped ?? [])], ({ Proto }) => nameOf(Proto));
  return [...byProtocol]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([protocol, ports]): Opening[] => {
      if (protocol === 'icmp') return [{ protocol }];
      return rangesOf(ports.map(({ Port }) => Port)).map((range) => ({ protocol, ports: range }));
    });
}

/** One for each port of the container; without a port of the host, the outer one is the same. */
export function publishedOf(labels: unknown): Published[] {
  const mapped = readLabels(labels ?? {})[keys.mapped] ?? [];
  const all = mapped.map(({ Proto, Port, HostPort }) => ({
    protocol: nameOf(Proto),
    port: Port,
    externalPort: HostPort || Port,
  }));
  // Docker maps IPv4 and IPv6 of its host separately.
  return [...new Map(all.map((each) => [`${each.protocol} ${each.port}`, each])).values()];
}

function nameOf(protocol: number): string {
  return protocols[protocol] ?? String(protocol);
}

function rangesOf(ports: readonly number[]): { first: number; last: number }[] {
  const ranges: { first: number; last: number }[] = [];
  for (const port of [...new Set(ports)].toSorted((a, b) => a - b)) {
    const range = ranges.at(-1);
    if (range?.last === port - 1) range.last = port;
    else ranges.push({ first: port, last: port });
  }
  return ranges;
}
