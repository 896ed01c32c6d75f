/**
 * What the host that binds a port asks of its own dataplane for it, kept in the port's binding profile: ports of the host
 * that lead to it, and limits of its traffic. So it lives and goes with the port, in the same transaction.
 *
 * Only hosts and administrators write binding profiles. What is not of this shape is somebody else's and means nothing.
 */
export const hostPortProtocols = ['tcp', 'udp', 'sctp'] as const;
export type HostPortProtocol = (typeof hostPortProtocols)[number];

export interface BoundHostPort {
  readonly protocol: HostPortProtocol;
  /** An address of the host; empty = all of them, in both families. */
  readonly hostIp: string;
  readonly hostPort: number;
  readonly containerPort: number;
  /** On its way it passes this port of the router's external address: no other host port of the protocol does. */
  readonly routerPort: number;
}

export interface BoundLimit {
  readonly maxKbps: number;
  readonly maxBurstKbps: number;
}

export interface HostBinding {
  readonly hostPorts: readonly BoundHostPort[];
  /** Seen from the container: egress is what it sends. */
  readonly ingress: BoundLimit | null;
  readonly egress: BoundLimit | null;
}

type Profile = { readonly [key: string]: null | number | string | readonly Profile[] | Profile };

export function toBindingProfile({ hostPorts, ingress, egress }: HostBinding): Profile {
  return {
    ...(hostPorts.length === 0
      ? {}
      : {
          host_ports: hostPorts.map((one) => ({
            protocol: one.protocol,
            host_ip: one.hostIp,
            host_port: one.hostPort,
            container_port: one.containerPort,
            router_port: one.routerPort,
          })),
        }),
    ...(ingress ? { ingress_limit: limitOf(ingress) } : {}),
    ...(egress ? { egress_limit: limitOf(egress) } : {}),
  };
}

/** A profile without what a host said in it. */
export function withoutBinding(profile: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { host_ports: _, ingress_limit: __, egress_limit: ___, ...others } = profile;
  return others;
}

const limitOf = ({ maxKbps, maxBurstKbps }: BoundLimit) => ({
  max_kbps: maxKbps,
  max_burst_kbps: maxBurstKbps,
});

export function parseBindingProfile(profile: Readonly<Record<string, unknown>>): HostBinding {
  const { host_ports: ports, ingress_limit: ingress, egress_limit: egress } = profile;
  return {
    hostPorts: Array.isArray(ports) ? ports.flatMap((one) => parseHostPort(one) ?? []) : [],
    ingress: parseLimit(ingress),
    egress: parseLimit(egress),
  };
}

function parseHostPort(value: unknown): BoundHostPort | undefined {
  const { protocol, host_ip: hostIp, ...ports } = (value ?? {}) as Record<string, unknown>;
  const { host_port: hostPort, container_port: containerPort, router_port: routerPort } = ports;
  const isKnown = hostPortProtocols.some((known) => known === protocol) && typeof hostIp === 'string';
  if (!isKnown || ![hostPort, containerPort, routerPort].every(isPort)) return undefined;
  return { protocol, hostIp, hostPort, containerPort, routerPort } as BoundHostPort;
}

function isPort(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) > 0 && (value as number) <= 65_535;
}

function parseLimit(value: unknown): BoundLimit | null {
  const { max_kbps: maxKbps, max_burst_kbps: maxBurstKbps } = (value ?? {}) as Record<string, unknown>;
  const isLimit = [maxKbps, maxBurstKbps].every((number) => Number.isInteger(number) && Number(number) >= 0);
  return isLimit && Number(maxKbps) > 0
    ? { maxKbps: Number(maxKbps), maxBurstKbps: Number(maxBurstKbps) }
    : null;
}
