/**
 * A bridge network on this host as steps and rules. Pure.
 *
 * Every network has nftables of its own, made anew as one transaction: what goes out is masqueraded, what comes in is an
 * answer or a published port, other bridges are the outside. Names are derived from ids and every link says whose it is.
 */
import type { KernelStep } from '../../../host/kernel.ts';
import type { CnmBinding, CnmEndpoint, CnmNetwork } from '../../../model/cnm.ts';
import { aliasOf } from '../endpoint.ts';
import { addressOf, booleanOf, label, linkNameOf, mtuOf } from '../labels.ts';

const defaultMtu = 1500;

export function bridgeName({ id, options }: CnmNetwork): string {
  return linkNameOf(options, label.bridgeName, `cb${id.slice(0, 12)}`);
}

/** The end on the bridge, and the one that a sandbox takes. */
export function endNames({ id }: Pick<CnmEndpoint, 'id'>): {
  readonly outer: string;
  readonly inner: string;
} {
  return { outer: `ce${id.slice(0, 12)}`, inner: `ci${id.slice(0, 12)}` };
}

export function networkSteps(network: CnmNetwork): KernelStep[] {
  const name = bridgeName(network);
  const isInhibited = booleanOf(network.options, label.inhibitIpv4, false);
  const gateways = network.pools.flatMap(({ gateway, version }) =>
    gateway === null || (version === 4 && isInhibited) ? [] : [gateway],
  );
  const has6 = network.pools.some(({ version }) => version === 6);
  return [
    {
      do: 'ensure-bridge',
      name,
      mtu: mtuOf(network.options) ?? defaultMtu,
      alias: aliasOf('network', network.id),
    },
    ...(has6
      ? [setting(`net/ipv6/conf/${name}/accept_dad`, '0'), setting(`net/ipv6/conf/${name}/accept_ra`, '0')]
      : []),
    // Published ports are reached from the host by its loopback addresses, too.
    setting(`net/ipv4/conf/${name}/route_localnet`, '1'),
    ...gateways.map((address): KernelStep => ({ do: 'ensure-address', link: name, address })),
    { do: 'set-link', name, up: true },
  ];
}

export function endpointSteps(network: CnmNetwork, endpoint: CnmEndpoint): KernelStep[] {
  const { outer, inner } = endNames(endpoint);
  const alias = aliasOf('endpoint', endpoint.id);
  const mac = endpoint.macAddress;
  return [
    {
      do: 'ensure-veth',
      name: outer,
      mtu: mtuOf(network.options) ?? defaultMtu,
      alias,
      peer: { name: inner, alias, ...(mac === null ? {} : { mac }) },
    },
    {
      do: 'set-link',
      name: outer,
      bridge: bridgeName(network),
      hairpin: true,
      // Without inter-container communication nothing passes from port to port.
      isolated: !booleanOf(network.options, label.icc, true),
      up: true,
    },
  ];
}

const tableOf = ({ id }: CnmNetwork) => `cnm-${id.slice(0, 12)}`;

export function rulesScript(network: CnmNetwork, endpoints: readonly CnmEndpoint[]): string {
  const table = `inet ${tableOf(network)}`;
  const bridge = `"${bridgeName(network)}"`;
  const rules = [
    ...forwardRules(network, bridge).map((rule) => `add rule ${table} forward ${rule}`),
    ...endpoints
      .flatMap(bindingRules)
      .flatMap((rule) => ['prerouting', 'output'].map((chain) => `add rule ${table} ${chain} ${rule}`)),
    ...outwardRules(network, bridge).map((rule) => `add rule ${table} postrouting ${rule}`),
  ];
  return lines([
    ...anew(table),
    `add chain ${table} forward { type filter hook forward priority -5; policy accept; }`,
    `add chain ${table} prerouting { type nat hook prerouting priority -105; policy accept; }`,
    `add chain ${table} output { type nat hook output priority -105; policy accept; }`,
    `add chain ${table} postrouting { type nat hook postrouting priority 95; policy accept; }`,
    ...rules,
  ]);
}

export function withoutRulesScript(network: CnmNetwork): string {
  return lines(anew(`inet ${tableOf(network)}`).slice(0, 2));
}

function anew(table: string): string[] {
  return [`add table ${table}`, `delete table ${table}`, `add table ${table}`];
}

function forwardRules({ internal }: CnmNetwork, bridge: string): string[] {
  const inside = `iifname ${bridge} oifname ${bridge} accept`;
  if (internal) return [inside, `iifname ${bridge} drop`, `oifname ${bridge} drop`];
  return [
    inside,
    `oifname ${bridge} ct state { established, related } accept`,
    `oifname ${bridge} ct status dnat accept`,
    `oifname ${bridge} drop`,
  ];
}

function outwardRules({ internal, options, pools }: CnmNetwork, bridge: string): string[] {
  if (internal) return [];
  const isHidden = booleanOf(options, label.masquerade, true);
  const source = addressOf(options, label.hostIpv4);
  return pools.flatMap(({ cidr, version }) => {
    const family = version === 4 ? 'ip' : 'ip6';
    const hide = version === 4 && source !== undefined ? `snat ip to ${source}` : 'masquerade';
    return [
      ...(isHidden ? [`${family} saddr ${cidr} oifname != ${bridge} ${hide}`] : []),
      // A container that reaches a published port of its own network, and the host by its loopback address.
      `${family} saddr ${cidr} oifname ${bridge} ct status dnat masquerade`,
      ...(version === 4 ? [`ip saddr 127.0.0.0/8 oifname ${bridge} ct status dnat masquerade`] : []),
    ];
  });
}

/** One rule per address family that the container has. */
function bindingRules({ address, address6, bindings }: CnmEndpoint): string[] {
  return bindings.flatMap((binding) => {
    const is6 = binding.hostAddress.includes(':');
    const own = (is6 ? address6 : address)?.split('/')[0];
    if (own === undefined) return [];
    const family = is6 ? 'ip6' : 'ip';
    const target = is6 ? `[${own}]:${binding.containerPort}` : `${own}:${binding.containerPort}`;
    return [
      `${localDestination(binding, family)} ${binding.protocol} dport ${binding.hostPort} dnat ${family} to ${target}`,
    ];
  });
}

function localDestination({ hostAddress }: CnmBinding, family: string): string {
  const isAny = hostAddress === '0.0.0.0' || hostAddress === '::';
  return isAny
    ? `meta nfproto ${family === 'ip' ? 'ipv4' : 'ipv6'} fib daddr type local`
    : `${family} daddr ${hostAddress}`;
}

function setting(key: string, value: string): KernelStep {
  return { do: 'sysctl', key, value };
}

function lines(all: readonly string[]): string {
  return all.map((line) => `${line}\n`).join('');
}
