/**
 * An overlay network's part on one host, as steps. Pure.
 *
 * A namespace with a bridge, and on it a tunnel's end that sends from the namespace of this process. Endpoints are ports of
 * the bridge. The tunnel knows only what it is told, so nothing is flooded from host to host.
 */
import type { KernelPeer, KernelStep } from '../../../host/kernel.ts';
import type { CnmEndpoint, CnmNetwork, CnmPool, CnmRoute } from '../../../model/cnm.ts';
import type { Claim } from '../../peers/directory.ts';
import { aliasOf } from '../endpoint.ts';
import { label, mtuOf, wrong } from '../labels.ts';

export const tunnel = 'vx0';
const bridge = 'br0';
/** As registered for VXLAN. */
const port = 4789;
/** Of the outer headers over IPv4. */
const overhead = 50;
const underlayMtu = 1500;
const [firstId, lastId] = [4096, 2 ** 24 - 1];

export function namespaceOf({ id }: Pick<CnmNetwork, 'id'>): string {
  return `cov-${id.slice(0, 12)}`;
}

/** Given, or derived from the network's id, so that it is the same wherever the network has the same id. */
export function tunnelIdOf({ id, options }: Pick<CnmNetwork, 'id' | 'options'>): number {
  const text = options[label.vxlanIds];
  if (text === undefined || text === '') {
    return firstId + Number(BigInt(`0x${id.slice(0, 16)}`) % BigInt(lastId - firstId + 1));
  }
  const given = text.split(',').map((one) => (/^\d{1,8}$/.test(one) ? Number(one) : 0));
  if (given.every((one) => one >= 1 && one <= lastId)) return given[0] ?? 0;
  throw wrong(label.vxlanIds, text, `expected numbers from 1 to ${lastId}`);
}

export function mtuInside({ options }: Pick<CnmNetwork, 'options'>): number {
  return (mtuOf(options) ?? underlayMtu) - overhead;
}

export function networkSteps(network: CnmNetwork, local: string): KernelStep[] {
  const [netns, mtu, alias] = [namespaceOf(network), mtuInside(network), aliasOf('network', network.id)];
  const setting = (key: string): KernelStep => ({ do: 'sysctl', netns, key, value: '1' });
  const gateways = network.pools.flatMap(({ gateway }) => gateway ?? []);
  return [
    { do: 'ensure-netns', name: netns },
    { do: 'ensure-bridge', netns, name: bridge, mtu, alias },
    { do: 'ensure-vxlan', netns, name: tunnel, id: tunnelIdOf(network), local, port, mtu, alias },
    { do: 'set-link', netns, name: tunnel, bridge, up: true },
    { do: 'sysctl', netns, key: `net/ipv6/conf/${bridge}/accept_dad`, value: '0' },
    { do: 'set-link', netns, name: bridge, up: true },
    ...gateways.map((address): KernelStep => ({ do: 'ensure-address', netns, link: bridge, address })),
    // Between the subnets of the network.
    setting('net/ipv4/ip_forward'),
    setting('net/ipv6/conf/all/forwarding'),
  ];
}

/** The tunnel first: its id is free for another only when it is really gone, and a namespace ends in its own time. */
export function withoutNetworkSteps(network: CnmNetwork): KernelStep[] {
  const netns = namespaceOf(network);
  return [
    { do: 'delete-link', netns, name: tunnel },
    { do: 'delete-netns', name: netns },
  ];
}

export function endNames({ id }: Pick<CnmEndpoint, 'id'>) {
  return { outer: `co${id.slice(0, 12)}`, inner: `ci${id.slice(0, 12)}` } as const;
}

export function endpointSteps(network: CnmNetwork, endpoint: CnmEndpoint): KernelStep[] {
  const netns = namespaceOf(network);
  const { outer, inner } = endNames(endpoint);
  const [alias, mac] = [aliasOf('endpoint', endpoint.id), endpoint.macAddress];
  return [
    {
      do: 'ensure-veth',
      netns,
      name: outer,
      mtu: mtuInside(network),
      alias,
      peer: { name: inner, alias, ...(mac === null ? {} : { mac }) },
    },
    { do: 'set-link', netns, name: outer, bridge, up: true },
  ];
}

/** To the network's other subnets of the same family, by the gateway of the endpoint's own. */
export function routesOf({ pools }: CnmNetwork, own: readonly CnmPool[]): CnmRoute[] {
  return pools.flatMap(({ cidr, version }) => {
    const nexthop = own.find((pool) => pool.version === version)?.gateway?.split('/')[0];
    const isOwn = own.some((pool) => pool.cidr === cidr);
    return isOwn || nexthop === undefined ? [] : [{ destination: cidr, nexthop }];
  });
}

/** The network's cards behind other hosts, by their MAC addresses. */
export function peersOf(network: CnmNetwork, claims: readonly Claim[], local: string): KernelPeer[] {
  const peers = new Map<string, KernelPeer>();
  for (const { address, host, peer } of claims) {
    if (peer?.networkId !== network.id || host === local) continue;
    const known = peers.get(peer.macAddress)?.addresses ?? [];
    peers.set(peer.macAddress, { mac: peer.macAddress, via: host, addresses: [...known, address] });
  }
  return [...peers.values()];
}

export function peerSteps(
  network: CnmNetwork,
  wanted: readonly KernelPeer[],
  present: readonly KernelPeer[],
): KernelStep[] {
  const on = { netns: namespaceOf(network), link: tunnel } as const;
  const print = ({ mac, via, addresses }: KernelPeer) => [mac, via, ...[...addresses].sort()].join(' ');
  const known = new Set(present.map(print));
  const gone = present.filter(({ mac }) => !wanted.some((peer) => peer.mac === mac));
  return [
    ...gone.map(({ mac }): KernelStep => ({ do: 'delete-peer', ...on, mac })),
    ...wanted
      .filter((peer) => !known.has(print(peer)))
      .map((peer): KernelStep => ({ do: 'ensure-peer', ...on, ...peer })),
  ];
}
