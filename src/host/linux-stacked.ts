/** The steps that make links which stand on others: VLANs, macvlans, tunnels, and the link that leads nowhere. */
import type { KernelStepOf } from './kernel.ts';
import { adjust, assertKind, ensureIfb, findLink, getLink, remove } from './linux-links.ts';
import type { Namespaces } from './namespaces.ts';
import { parseIp } from './netlink/ip-text.ts';
import { newLink } from './netlink/link.ts';
import { macvlanData, vlanData, vxlanData } from './netlink/link-kinds.ts';

/** Of kind `ifb`, which drops what nobody redirected to it: there wherever bandwidth can be limited, unlike `dummy`. */
export function ensureDummy(namespaces: Namespaces, step: KernelStepOf<'ensure-dummy'>): void {
  ensureIfb(namespaces, step, step.netns);
}

export function ensureVlan(namespaces: Namespaces, step: KernelStepOf<'ensure-vlan'>): void {
  ensureOn(namespaces, { ...step, kind: 'vlan', data: vlanData(step.id) });
}

export function ensureMacvlan(namespaces: Namespaces, step: KernelStepOf<'ensure-macvlan'>): void {
  ensureOn(namespaces, { ...step, kind: 'macvlan', data: macvlanData(step.mode) });
}

export function ensureVxlan(namespaces: Namespaces, step: KernelStepOf<'ensure-vxlan'>): void {
  const { netns, name, id, port, mtu } = step;
  const present = findLink(namespaces, name, netns);
  if (present) assertKind(present, 'vxlan');
  else {
    const data = vxlanData({ id, port, local: parseIp(step.local) });
    // Our own socket, so that the tunnel sends from here wherever it lives.
    const socket = namespaces.socket();
    const netnsFd = namespaces.descriptor(netns);
    socket.change(newLink({ name, kind: 'vxlan', data, mtu, netnsFd }));
  }
  adjust(namespaces, name, step, netns);
}

interface Stacked {
  readonly netns?: string;
  readonly name: string;
  readonly kind: string;
  readonly parent: string;
  readonly data: readonly Buffer[];
  readonly mtu?: number;
  readonly mac?: string;
  readonly alias?: string;
}

/** One that is there on another parent is replaced. */
function ensureOn(namespaces: Namespaces, wanted: Stacked): void {
  const { netns, name, kind, data } = wanted;
  const parent = getLink(namespaces, wanted.parent, netns);
  const present = findLink(namespaces, name, netns);
  if (present) assertKind(present, kind);
  if (present && present.peer !== parent.index) remove(namespaces, present, netns);
  if (present?.peer !== parent.index) {
    const { mtu, mac } = wanted;
    const settings = { ...(mtu === undefined ? {} : { mtu }), ...(mac === undefined ? {} : { mac }) };
    namespaces.socket(netns).change(newLink({ name, kind, data, parent: parent.index, ...settings }));
  }
  adjust(namespaces, name, wanted, netns);
}
