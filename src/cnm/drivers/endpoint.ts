/** What drivers say of an endpoint in the same way. Pure. */
import type { CnmEndpoint, CnmNetwork } from '../../model/cnm.ts';
import { Failure } from '../../model/failure.ts';

/** As Docker has it: a MAC address made of the IPv4 address, so that neighbours need not learn it anew. */
export function macOf({ address }: CnmEndpoint): string | undefined {
  if (address === null) return undefined;
  const bytes = (address.split('/')[0] ?? '')
    .split('.')
    .map((byte) => Number(byte).toString(16).padStart(2, '0'));
  return ['02', '42', ...bytes].join(':');
}

/** What an endpoint without a MAC address of its own gets. */
export function chosenMac(endpoint: CnmEndpoint): { readonly macAddress?: string } {
  const macAddress = endpoint.macAddress === null ? macOf(endpoint) : undefined;
  return macAddress === undefined ? {} : { macAddress };
}

/** Whose a link is, as its alias says. */
export function aliasOf(kind: 'network' | 'endpoint', id: string): string {
  return `berth cnm ${kind} ${id}`;
}

/** The gateway of the family, without prefix length; none on an internal network, or without an address of the family. */
export function gatewayOf(
  { pools, internal }: CnmNetwork,
  { address, address6 }: CnmEndpoint,
  version: 4 | 6,
): string | null {
  const own = pools.find((pool) => pool.version === version)?.gateway;
  const has = version === 4 ? address : address6;
  return internal || !own || has === null ? null : (own.split('/')[0] ?? null);
}

/** For drivers whose networks are nothing without addresses. */
export function refuseNullPool({ driver, pools }: CnmNetwork): void {
  if (!pools.some(({ cidr }) => cidr === '0.0.0.0/0')) return;
  throw new Failure(
    'invalid-value',
    `a network of driver ${driver} needs addresses, and the pool 0.0.0.0/0 of the null IPAM driver has none`,
  );
}
