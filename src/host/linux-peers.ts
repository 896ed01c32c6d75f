/** The steps about what a tunnel's end knows of cards behind other hosts, and the table of it. */
import type { KernelPeer, KernelStepOf } from './kernel.ts';
import { errno } from './libc.ts';
import { findLink, getLink } from './linux-links.ts';
import type { Namespaces } from './namespaces.ts';
import { formatIp, parseIp } from './netlink/ip-text.ts';
import { NetlinkError } from './netlink/message.ts';
import * as neighbour from './netlink/neighbour.ts';

/** Where the MAC address is first, so that no address leads to a card that cannot be reached. */
export function ensurePeer(namespaces: Namespaces, step: KernelStepOf<'ensure-peer'>): void {
  const { index } = getLink(namespaces, step.link, step.netns);
  const socket = namespaces.socket(step.netns);
  const mac = step.mac.toLowerCase();
  socket.change(neighbour.replaceEntry('forwarding', { index, mac, destination: parseIp(step.via) }));
  const wanted = step.addresses.map(parseIp);
  for (const destination of wanted)
    socket.change(neighbour.replaceEntry('neighbours', { index, mac, destination }));
  const stale = entriesOf(namespaces, { index, mac, netns: step.netns }, 'neighbours').filter(
    ({ destination }) => !wanted.some((one) => one.equals(destination)),
  );
  for (const entry of stale) unlessGone(() => socket.change(neighbour.deleteEntry('neighbours', entry)));
}

export function deletePeer(namespaces: Namespaces, step: KernelStepOf<'delete-peer'>): void {
  if (!namespaces.has(step.netns)) return;
  const present = findLink(namespaces, step.link, step.netns);
  if (present === undefined) return;
  const whose = { index: present.index, mac: step.mac.toLowerCase(), netns: step.netns };
  for (const table of ['neighbours', 'forwarding'] as const) {
    for (const entry of entriesOf(namespaces, whose, table)) {
      unlessGone(() => namespaces.socket(step.netns).change(neighbour.deleteEntry(table, entry)));
    }
  }
}

export function listPeers(namespaces: Namespaces, link: string, netns?: string): KernelPeer[] {
  const { index } = getLink(namespaces, link, netns);
  const neighbours = entriesOf(namespaces, { index, netns }, 'neighbours');
  return entriesOf(namespaces, { index, netns }, 'forwarding')
    .map(({ mac, destination }) => ({
      mac,
      via: formatIp(destination),
      addresses: neighbours.filter((one) => one.mac === mac).map((one) => formatIp(one.destination)),
    }))
    .sort((a, b) => (a.mac < b.mac ? -1 : 1));
}

interface Whose {
  readonly index: number;
  readonly netns: string | undefined;
  readonly mac?: string;
}

function entriesOf(
  namespaces: Namespaces,
  { index, netns, mac }: Whose,
  table: 'neighbours' | 'forwarding',
): neighbour.NeighbourView[] {
  return namespaces
    .socket(netns)
    .list(neighbour.listEntries(table))
    .flatMap((payload) => neighbour.parseEntry(payload) ?? [])
    .filter((entry) => entry.index === index && (mac === undefined || entry.mac === mac));
}

function unlessGone(work: () => void): void {
  try {
    work();
  } catch (error) {
    if (!(error instanceof NetlinkError) || error.errno !== errno.ENOENT) throw error;
  }
}
