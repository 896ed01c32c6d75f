/**
 * The steps that make and change links, and the table of links.
 *
 * Properties are set in the order that matters: MTU, MAC, name of the owner and bridge first, then the port's
 * flags, "up" last, or the bridge would forward with the wrong settings for a moment.
 */
import type { KernelLink, KernelStepOf } from './kernel.ts';
import { errno } from './libc.ts';
import type { Namespaces } from './namespaces.ts';
import * as link from './netlink/link.ts';
import { NetlinkError } from './netlink/message.ts';

interface Settings {
  readonly mtu?: number | undefined;
  readonly mac?: string | undefined;
  readonly alias?: string | undefined;
}

/** A number that no other tool is likely to use: links are in this group only while they are being deleted. */
const doomedGroup = 0x62_65_72_74;

export function ensureBridge(namespaces: Namespaces, step: KernelStepOf<'ensure-bridge'>): void {
  const present = findLink(namespaces, step.name, step.netns);
  if (present === undefined) namespaces.socket(step.netns).change(link.newBridge(step.name, step.mac));
  else assertKind(present, 'bridge');
  adjust(namespaces, step.name, step, step.netns);
}

export function ensureVeth(namespaces: Namespaces, step: KernelStepOf<'ensure-veth'>): void {
  const { peer } = step;
  const [near, far] = [
    findLink(namespaces, step.name, step.netns),
    findLink(namespaces, peer.name, peer.netns),
  ];
  if (near) assertKind(near, 'veth');
  if (far) assertKind(far, 'veth');
  if (near === undefined || far === undefined || near.peer !== far.index || far.peer !== near.index) {
    if (near) remove(namespaces, near, step.netns);
    if (far) remove(namespaces, far, peer.netns);
    // The socket first: making it may close the namespace that a descriptor stands for.
    const socket = namespaces.socket(step.netns);
    const netnsFd = namespaces.descriptor(peer.netns);
    socket.change(link.newVeth({ ...step, peer: { ...peer, netnsFd } }));
  }
  adjust(namespaces, step.name, step, step.netns);
  adjust(namespaces, peer.name, { ...peer, mtu: step.mtu }, peer.netns);
}

/** A link that takes packets in and lets them out again where they came from; up. */
export function ensureIfb(
  namespaces: Namespaces,
  wanted: { readonly name: string; readonly mtu?: number; readonly alias?: string },
  netns?: string,
): link.LinkView {
  const present = findLink(namespaces, wanted.name, netns);
  if (present === undefined)
    namespaces.socket(netns).change(link.newLink({ name: wanted.name, kind: 'ifb' }));
  else assertKind(present, 'ifb');
  adjust(namespaces, wanted.name, wanted, netns);
  const made = getLink(namespaces, wanted.name, netns);
  if (!made.up) namespaces.socket(netns).change(link.setUp(made.index, true));
  return made;
}

export function setLink(namespaces: Namespaces, step: KernelStepOf<'set-link'>): void {
  const socket = namespaces.socket(step.netns);
  const present = getLink(namespaces, step.name, step.netns);
  const change = {
    ...differences(present, step),
    ...(step.bridge === undefined ? {} : masterChange(namespaces, step.bridge, present, step.netns)),
  };
  if (Object.keys(change).length > 0) socket.change(link.changeLink(present.index, change));
  const { hairpin, learning, flood, neighSuppress, isolated } = step;
  if ([hairpin, learning, flood, neighSuppress, isolated].some((value) => value !== undefined)) {
    socket.change(link.changeBridgePort(present.index, step));
  }
  if (step.up !== undefined && step.up !== present.up) socket.change(link.setUp(present.index, step.up));
}

export function moveLink(namespaces: Namespaces, step: KernelStepOf<'move-link'>): void {
  const { netns, name, to } = step;
  const present = findLink(namespaces, name, netns);
  const there = findLink(namespaces, to.name, to.netns);
  if (present === undefined && there !== undefined) return;
  if (there !== undefined)
    throw new Error(`there is a link "${to.name}" already in ${to.netns ?? 'the own namespace'}`);
  const { index } = present ?? getLink(namespaces, name, netns);
  const socket = namespaces.socket(netns);
  socket.change(link.changeLink(index, { netnsFd: namespaces.descriptor(to.netns), name: to.name }));
}

/** Several links of one namespace cost one wait for the kernel (17 ms), not one each. */
export function deleteLinks(namespaces: Namespaces, names: readonly string[], netns?: string): void {
  if (!namespaces.has(netns)) return;
  const present = names.flatMap((name) => findLink(namespaces, name, netns) ?? []);
  const [only, ...others] = present;
  if (only === undefined) return;
  if (others.length === 0) {
    remove(namespaces, only, netns);
    return;
  }
  const socket = namespaces.socket(netns);
  for (const { index } of present) {
    unlessGone(() => socket.change(link.changeLink(index, { group: doomedGroup })));
  }
  unlessGone(() => socket.change(link.deleteGroup(doomedGroup)));
}

export function listLinks(namespaces: Namespaces, netns?: string): KernelLink[] {
  const views = namespaces.socket(netns).list(link.listLinks()).map(link.parseLink);
  const names = new Map(views.map((view) => [view.index, view.name]));
  return views.map(({ master, peer: _, qdisc: __, ...view }) => {
    const bridge = master === undefined ? undefined : names.get(master);
    return { ...view, ...(bridge === undefined ? {} : { bridge }) };
  });
}

export function findLink(namespaces: Namespaces, name: string, netns?: string): link.LinkView | undefined {
  const payload = namespaces.socket(netns).find(link.getLink(name));
  return payload && link.parseLink(payload);
}

export function getLink(namespaces: Namespaces, name: string, netns?: string): link.LinkView {
  const found = findLink(namespaces, name, netns);
  if (found === undefined) throw new Error(`there is no link "${name}"`);
  return found;
}

export function adjust(namespaces: Namespaces, name: string, wanted: Settings, netns?: string): void {
  const present = getLink(namespaces, name, netns);
  const change = differences(present, wanted);
  if (Object.keys(change).length === 0) return;
  namespaces.socket(netns).change(link.changeLink(present.index, change));
}

function differences(present: link.LinkView, wanted: Settings): link.LinkChange {
  const { mtu, mac, alias } = wanted;
  return {
    ...(mtu === undefined || mtu === present.mtu ? {} : { mtu }),
    ...(mac === undefined || mac.toLowerCase() === present.mac ? {} : { mac }),
    ...(alias === undefined || alias === present.alias ? {} : { alias }),
  };
}

function masterChange(
  namespaces: Namespaces,
  bridge: string | null,
  present: link.LinkView,
  netns?: string,
): link.LinkChange {
  const master = bridge === null ? 0 : getLink(namespaces, bridge, netns).index;
  return master === (present.master ?? 0) ? {} : { master };
}

export function remove(namespaces: Namespaces, present: link.LinkView, netns?: string): void {
  unlessGone(() => namespaces.socket(netns).change(link.deleteLink(present.index)));
}

export function assertKind(present: link.LinkView, kind: string): void {
  if (present.kind !== kind) {
    throw new Error(`"${present.name}" is there already and is a ${present.kind || 'device'}, not a ${kind}`);
  }
}

function unlessGone(work: () => void): void {
  try {
    work();
  } catch (error) {
    if (!(error instanceof NetlinkError) || error.errno !== errno.ENODEV) throw error;
  }
}
