/** A topology as a tree for terminals. Networks with many ports show the first of them, and how many more there are. */
import { printable } from '../output/text.ts';
import type { NetworkNode, PortNode, RouterNode, Topology } from './model.ts';

interface Branch {
  readonly text: string;
  readonly below: readonly Branch[];
}

/** A network with more ports than this shows only `shownOfMany`. */
const few = 20;
const shownOfMany = 10;

export function treeOf({ external, routers, networks }: Topology, showAll: boolean): string {
  const shown = new Set<string>();
  const branches = [
    ...external.map((network) => ({
      text: `${nameOf(network)} (external) ${cidrs(network)}`,
      below: [
        ...network.routers.map((router) => routerBranch(router, { shown, showAll })),
        ...portBranches(network, showAll),
      ],
    })),
    ...routers.map((router) => routerBranch(router, { shown, showAll })),
    ...networks.map((network) => networkBranch(network, '', { shown, showAll })),
  ];
  return branches.flatMap((branch) => [line(branch), ...below(branch, '')]).join('');
}

interface Seen {
  readonly shown: Set<string>;
  readonly showAll: boolean;
}

function routerBranch(router: RouterNode, seen: Seen): Branch {
  const { external_addresses: out, enable_snat: snat, routes, networks } = router;
  const note = out.length > 0 && !snat ? ' (no source NAT)' : '';
  return {
    text: `router ${nameOf(router)} ${out.join(' ') || '(no gateway)'}${note}`,
    below: [
      ...routes.map(({ destination, nexthop }) => ({
        text: `route ${destination} via ${nexthop}`,
        below: [],
      })),
      ...networks.map((network) =>
        networkBranch(network, ` via ${network.router_addresses.join(' ')}`, seen),
      ),
    ],
  };
}

function networkBranch(network: NetworkNode, via: string, { shown, showAll }: Seen): Branch {
  const text = `network ${nameOf(network)} ${cidrs(network)}${via}`;
  if (shown.has(network.id)) return { text: `${text} (see above)`, below: [] };
  shown.add(network.id);
  return { text, below: portBranches(network, showAll) };
}

function portBranches({ ports }: NetworkNode, showAll: boolean): Branch[] {
  const visible = showAll || ports.length <= few ? ports : ports.slice(0, shownOfMany);
  const rest = ports.length - visible.length;
  return [
    ...visible.map((port) => ({ text: portText(port), below: [] })),
    ...(rest > 0 ? [{ text: `… and ${rest} more ports (--all shows them)`, below: [] }] : []),
  ];
}

function portText(port: PortNode): string {
  const { addresses, floating_addresses: floating, security_groups: groups, container, owner, status } = port;
  const what = container ? '' : owner === '' ? 'port ' : `port (${owner}) `;
  return [
    `${what}${nameOf(port)}`,
    addresses.join(' '),
    floating.length > 0 ? `⇄ ${floating.join(' ')}` : '',
    groups.length > 0 ? `[${groups.join(', ')}]` : '',
    status === 'ACTIVE' ? '' : status.toLowerCase(),
  ]
    .filter(Boolean)
    .join(' ');
}

function nameOf({ name, id }: { readonly name: string; readonly id: string }): string {
  return name || id;
}

function cidrs({ subnets }: NetworkNode): string {
  return subnets.map(({ cidr }) => cidr).join(' ') || '(no subnet)';
}

function below(branch: Branch, indent: string): string[] {
  return branch.below.flatMap((child, at) => {
    const isLast = at === branch.below.length - 1;
    const text = `${indent}${isLast ? '└─' : '├─'} ${line(child)}`;
    return [text, ...below(child, `${indent}${isLast ? '   ' : '│  '}`)];
  });
}

function line({ text }: Branch): string {
  return `${printable(text).trimEnd()}\n`;
}
