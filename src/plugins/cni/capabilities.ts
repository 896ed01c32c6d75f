/**
 * The capabilities `portMappings` and `bandwidth` (CNI's conventions) in the words of the network service. Pure.
 *
 * Rates are bits per second and bursts bits there, kilobits here; rounded up, so that nothing becomes no limit.
 */
import Type, { type Static } from 'typebox';
import { isFailure } from '../../model/failure.ts';
import { type BoundLimit, type HostPortProtocol, hostPortProtocols } from '../../model/host-binding.ts';
import { CniFailure, cniCode } from '../../wire/cni.ts';
import { parseAddress } from '../libnetwork/cidr.ts';

const PortNumber = Type.Integer({ minimum: 1, maximum: 65_535 });
const Bits = Type.Optional(Type.Integer({ minimum: 0 }));

export const PortMappingsShape = Type.Array(
  Type.Object({
    hostPort: PortNumber,
    containerPort: PortNumber,
    protocol: Type.Optional(Type.String()),
    hostIP: Type.Optional(Type.String()),
  }),
);
export const BandwidthShape = Type.Object({
  ingressRate: Bits,
  ingressBurst: Bits,
  egressRate: Bits,
  egressBurst: Bits,
});

export interface AskedHostPort {
  readonly protocol: HostPortProtocol;
  /** Canonical; empty = all addresses of the host. */
  readonly hostIp: string;
  readonly hostPort: number;
  readonly containerPort: number;
}

export interface AskedLimits {
  readonly ingress: BoundLimit | null;
  readonly egress: BoundLimit | null;
}

/** Throws code 7 naming the entry. The same twice is once. */
export function hostPortsOf(mappings: Static<typeof PortMappingsShape>): AskedHostPort[] {
  const all = mappings.map(({ hostPort, containerPort, ...entry }, index): AskedHostPort => {
    const where = `runtimeConfig.portMappings.${index}`;
    return {
      protocol: protocolOf(entry.protocol, where),
      hostIp: addressOf(entry.hostIP, where),
      hostPort,
      containerPort,
    };
  });
  return [...new Map(all.map((one) => [JSON.stringify(one), one])).values()];
}

function protocolOf(given: string | undefined, where: string): HostPortProtocol {
  const text = (given || 'tcp').toLowerCase();
  const known = hostPortProtocols.find((one) => one === text);
  if (known) return known;
  throw wrong(`${where}.protocol: expected ${hostPortProtocols.join(', ')}, not ${JSON.stringify(given)}`);
}

function addressOf(given: string | undefined, where: string): string {
  if (given === undefined || given === '') return '';
  try {
    if (!given.includes('/')) return parseAddress(given);
  } catch (error) {
    if (!isFailure(error, 'invalid-value')) throw error;
  }
  throw wrong(`${where}.hostIP: expected an address of the host, not ${JSON.stringify(given)}`);
}

/** Throws code 7: a rate and its burst come together. */
export function limitsOf(bandwidth: Static<typeof BandwidthShape> | null | undefined): AskedLimits {
  const { ingressRate = 0, ingressBurst = 0, egressRate = 0, egressBurst = 0 } = bandwidth ?? {};
  return {
    ingress: limitOf('ingress', ingressRate, ingressBurst),
    egress: limitOf('egress', egressRate, egressBurst),
  };
}

function limitOf(direction: string, rate: number, burst: number): BoundLimit | null {
  if (rate === 0 && burst === 0) return null;
  if (rate > 0 && burst > 0)
    return { maxKbps: Math.ceil(rate / 1000), maxBurstKbps: Math.ceil(burst / 1000) };
  const [given, missing] = rate > 0 ? ['Rate', 'Burst'] : ['Burst', 'Rate'];
  throw wrong(
    `runtimeConfig.bandwidth: ${direction}${given} is given without ${direction}${missing}: give both, in bits per second and bits`,
  );
}

function wrong(text: string): CniFailure {
  return new CniFailure(cniCode.invalidConfig, text);
}
