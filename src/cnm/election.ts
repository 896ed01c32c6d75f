/**
 * In which order a sandbox's endpoints count, and which of them is the gateway. Pure.
 *
 * Higher priority first, networks with a way out before internal ones, more gateways before fewer, then by the network's
 * name (libnetwork, sandbox.go). The first endpoint with a gateway of the family is the gateway of that family.
 */
import type { CnmEndpoint, CnmNetwork } from '../model/cnm.ts';

export interface Joined {
  readonly endpoint: CnmEndpoint;
  readonly network: CnmNetwork;
}

export function inOrder(joined: readonly Joined[]): Joined[] {
  return joined.toSorted(compare);
}

export interface Gateways {
  readonly v4: Joined | undefined;
  readonly v6: Joined | undefined;
}

export function electGateways(joined: readonly Joined[]): Gateways {
  const order = inOrder(joined).filter(({ network }) => !network.internal);
  return {
    v4: order.find(({ endpoint }) => endpoint.join?.gateway),
    v6: order.find(({ endpoint }) => endpoint.join?.gateway6),
  };
}

function compare(a: Joined, b: Joined): number {
  return (
    b.endpoint.priority - a.endpoint.priority ||
    Number(a.network.internal) - Number(b.network.internal) ||
    weightOf(b) - weightOf(a) ||
    (a.network.name < b.network.name ? -1 : a.network.name > b.network.name ? 1 : 0)
  );
}

function weightOf({ endpoint: { join } }: Joined): number {
  return (join?.gateway ? 1 : 0) + (join?.gateway6 ? 2 : 0);
}
