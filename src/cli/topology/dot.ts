/** A topology for Graphviz: `berth network topology -f dot | dot -Tsvg`. */
import { printable } from '../output/text.ts';
import type { NetworkNode, PortNode, RouterNode, Topology } from './model.ts';

/** A network with more ports than this is one node with their number. */
const mostPorts = 50;

export function dotOf({ external, routers, networks }: Topology): string {
  const all = [...external.flatMap((network) => network.routers), ...routers];
  const inside = new Map(
    [...all.flatMap((router) => router.networks), ...networks].map((one) => [one.id, one]),
  );
  return [
    'graph berth {',
    '  graph [rankdir=TB]; node [fontname="sans-serif", fontsize=10];',
    ...external.map((network) => node(network.id, networkLines(network), 'shape=ellipse, style=bold')),
    ...all.map((router) => node(router.id, routerLines(router), 'shape=diamond')),
    ...[...inside.values()].flatMap(networkStatements),
    ...external.flatMap(({ id, routers: behind }) => behind.map((router) => edge(id, router.id))),
    ...all.flatMap(({ id, networks: on }) => on.map((network) => edge(id, network.id))),
    '}',
    '',
  ].join('\n');
}

function networkStatements(network: NetworkNode): string[] {
  const own = node(network.id, networkLines(network), 'shape=box, style=rounded');
  if (network.ports.length > mostPorts) {
    const many = `${network.id} ports`;
    return [own, node(many, [`${network.ports.length} ports`], 'shape=folder'), edge(network.id, many)];
  }
  const ports = network.ports.map((port) => node(port.id, portLines(port), 'shape=plaintext'));
  return [own, ...ports, ...network.ports.map((port) => edge(network.id, port.id))];
}

function networkLines({ name, id, subnets }: NetworkNode): string[] {
  return [name || id, ...subnets.map(({ cidr }) => cidr)];
}

function routerLines({ name, id, external_addresses: out }: RouterNode): string[] {
  return [name || id, ...out];
}

function portLines(port: PortNode): string[] {
  return [port.name || port.id, ...port.addresses, ...port.floating_addresses];
}

function node(id: string, lines: readonly string[], style: string): string {
  return `  ${quoted(id)} [label=${quoted(...lines)}, ${style}];`;
}

function edge(from: string, to: string): string {
  return `  ${quoted(from)} -- ${quoted(to)};`;
}

/** Names are anybody's text: nothing of them may end the quotes. */
function quoted(...lines: readonly string[]): string {
  const safe = lines.map((text) => printable(text).replaceAll('\\', '\\\\').replaceAll('"', '\\"'));
  return `"${safe.join('\\n')}"`;
}
