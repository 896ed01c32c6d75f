/**
 * Names inside a sandbox, as an `/etc/hosts`: its own, and those of the other endpoints of its networks. Pure.
 *
 * `name.network` tells apart what two networks call the same; a plain name means the endpoint of the network that comes
 * first in the sandbox's order.
 */
import type { CnmEndpoint, CnmNetwork, CnmSandbox } from '../model/cnm.ts';
import { inOrder, type Joined } from './election.ts';

const fixed = [
  '127.0.0.1\tlocalhost',
  '::1\tlocalhost ip6-localhost ip6-loopback',
  'fe00::0\tip6-localnet',
  'ff02::1\tip6-allnodes',
];

export function hostsFile(
  sandbox: CnmSandbox,
  own: readonly Joined[],
  everybody: readonly CnmEndpoint[],
): string {
  const order = inOrder(own);
  const lines = order.flatMap(({ endpoint }) => linesOf(endpoint, [sandbox.hostname]));
  const taken = new Set<string>([sandbox.hostname]);
  for (const { network } of order) {
    const others = everybody.filter((each) => each.networkId === network.id && each.sandboxId !== null);
    const fresh = others.map((each) => ({ each, names: namesOf(each).filter((name) => !taken.has(name)) }));
    for (const { each, names } of fresh)
      lines.push(...linesOf(each, [...names, ...qualified(each, network)]));
    for (const { names } of fresh) for (const name of names) taken.add(name);
  }
  return `${[...fixed, ...lines].join('\n')}\n`;
}

function namesOf({ name, aliases }: CnmEndpoint): string[] {
  return [...new Set([name, ...aliases])];
}

function qualified(endpoint: CnmEndpoint, network: CnmNetwork): string[] {
  return namesOf(endpoint).map((name) => `${name}.${network.name}`);
}

function linesOf({ address, address6 }: CnmEndpoint, names: readonly string[]): string[] {
  return [address, address6].flatMap((one) =>
    one === null ? [] : `${one.split('/')[0]}\t${names.join(' ')}`,
  );
}
