/** Ends connections whose address translation is no longer wanted. */
import type { KernelStepOf, Translation } from './kernel.ts';
import { errno } from './libc.ts';
import { listAddresses } from './linux-addresses.ts';
import type { Namespaces } from './namespaces.ts';
import * as conntrack from './netlink/conntrack.ts';
import { parseIp } from './netlink/ip-text.ts';
import { NetlinkError } from './netlink/message.ts';
import { NetlinkSocket, netfilter } from './netlink/socket.ts';

export function endFlows(namespaces: Namespaces, { netns, ports }: KernelStepOf<'end-flows'>): void {
  if (ports.length === 0 || !namespaces.has(netns)) return;
  const wanted = new Set(ports.map(({ protocol, port }) => `${protocol} ${port}`));
  const own = new Set(listAddresses(namespaces, netns).map(({ address }) => address.split('/')[0] ?? ''));
  const hex = new Set([...own].map((address) => parseIp(address).toString('hex')));
  const socket = namespaces.within(netns, () => new NetlinkSocket(netfilter));
  try {
    const all = socket.list(conntrack.listConnections());
    for (const flow of all.flatMap((payload) => conntrack.parseConnection(payload) ?? [])) {
      const { destination, protocol, destinationPort } = flow.original;
      const isMeant = wanted.has(`${protocol} ${destinationPort}`) && hex.has(destination.toString('hex'));
      if (isMeant) end(socket, flow);
    }
  } finally {
    socket.close();
  }
}

interface Known {
  readonly internal: Buffer | undefined;
  readonly ports: Translation['ports'];
}

export function endConnections(namespaces: Namespaces, step: KernelStepOf<'end-connections'>): void {
  if (!namespaces.has(step.netns)) return;
  const kept = new Map<string, Known[]>();
  for (const { end, external, internal, ports } of step.except) {
    const key = keyOf(end, parseIp(external));
    const known = { internal: internal === undefined ? undefined : parseIp(internal), ports };
    kept.set(key, [...(kept.get(key) ?? []), known]);
  }
  const socket = namespaces.within(step.netns, () => new NetlinkSocket(netfilter));
  try {
    for (const connection of translated(socket, step.address)) {
      if (!isKept(connection, kept)) end(socket, connection);
    }
  } finally {
    socket.close();
  }
}

function translated(socket: NetlinkSocket, address: string | undefined): conntrack.ConnectionView[] {
  const requests =
    address === undefined
      ? [conntrack.listConnections()]
      : (['original', 'reply'] as const).map((way) => conntrack.listConnectionsTo(parseIp(address), way));
  const own = address === undefined ? undefined : parseIp(address);
  return requests
    .flatMap((request) => socket.list(request))
    .flatMap((payload) => conntrack.parseConnection(payload) ?? [])
    .filter(
      ({ original, reply }) => !own || own.equals(original.destination) || own.equals(reply.destination),
    );
}

const keyOf = (end: Translation['end'], external: Buffer) => `${end} ${external.toString('hex')}`;

/** Both ends of a connection may be translated, as when a port speaks to its neighbour's floating address. */
function isKept(
  { original, reply, ...is }: conntrack.ConnectionView,
  kept: ReadonlyMap<string, readonly Known[]>,
): boolean {
  const source = kept.get(keyOf('source', reply.destination)) ?? [];
  const destination = kept.get(keyOf('destination', original.destination)) ?? [];
  return (
    (!is.isSourceTranslated || source.some(({ internal }) => internal?.equals(original.source) ?? true)) &&
    (!is.isDestinationTranslated || destination.some((known) => leadsTo(known, original, reply)))
  );
}

function leadsTo({ internal, ports }: Known, original: conntrack.Tuple, reply: conntrack.Tuple): boolean {
  if (internal && !internal.equals(reply.source)) return false;
  if (!ports) return true;
  const { destinationPort = -1 } = original;
  return (
    ports.protocol === original.protocol &&
    destinationPort >= ports.from &&
    destinationPort <= ports.to &&
    reply.sourcePort === destinationPort - ports.from + ports.internalFrom
  );
}

function end(socket: NetlinkSocket, connection: conntrack.ConnectionView): void {
  try {
    socket.change(conntrack.deleteConnection(connection));
  } catch (error) {
    // Ended by itself in the meantime.
    if (!(error instanceof NetlinkError) || error.errno !== errno.ENOENT) throw error;
  }
}
