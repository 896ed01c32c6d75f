/**
 * The step that limits what passes a link.
 *
 * Only what leaves a link can be queued. So what arrives by it takes a detour: it is redirected to a link of its own of
 * kind `ifb`, waits there for its tokens, and comes back to where it was taken from, before any hook of the bridge or of
 * nftables saw it. The detour is complete before anything is sent on it, and taken out of use before it is removed.
 */
import type { Bucket, KernelLimit, KernelStepOf } from './kernel.ts';
import { deleteLinks, ensureIfb, findLink, listLinks } from './linux-links.ts';
import type { Namespaces } from './namespaces.ts';
import type { LinkView } from './netlink/link.ts';
import * as traffic from './netlink/traffic.ts';

type LimitLink = KernelStepOf<'limit-link'>;

export function limitLink(namespaces: Namespaces, step: LimitLink): void {
  if (!namespaces.has(step.netns)) return;
  const present = findLink(namespaces, step.name, step.netns);
  if (present) limitLeaving(namespaces, step, present);
  if (present && step.arriving) limitArriving(namespaces, { ...step, arriving: step.arriving }, present);
  else releaseArriving(namespaces, step, present);
}

function limitLeaving(namespaces: Namespaces, { netns, leaving }: LimitLink, present: LinkView): void {
  const socket = namespaces.socket(netns);
  if (leaving) socket.change(traffic.setBucket(present.index, leaving));
  else if (present.qdisc === 'tbf') socket.change(traffic.removeBucket(present.index));
}

function limitArriving(
  namespaces: Namespaces,
  { netns, arriving, detour }: LimitLink & { readonly arriving: Bucket },
  present: LinkView,
): void {
  const { index } = ensureIfb(namespaces, detour, netns);
  const socket = namespaces.socket(netns);
  socket.change(traffic.setBucket(index, arriving));
  socket.change(traffic.addIngress(present.index));
  socket.change(traffic.redirectAll(present.index, index));
}

function releaseArriving(namespaces: Namespaces, { netns, detour }: LimitLink, present?: LinkView): void {
  if (!findLink(namespaces, detour.name, netns)) return;
  // Ensured first: a crash may have left the detour alone.
  if (present) {
    namespaces.socket(netns).change(traffic.addIngress(present.index));
    namespaces.socket(netns).change(traffic.removeIngress(present.index));
  }
  deleteLinks(namespaces, [detour.name], netns);
}

export function listLimits(namespaces: Namespaces, netns?: string): KernelLimit[] {
  const queues = namespaces.socket(netns).list(traffic.listQueues()).map(traffic.parseQueue);
  return listLinks(namespaces, netns).flatMap(({ index, name }) => {
    const own = queues.filter((queue) => queue.index === index);
    const bytesPerSecond = own.find(({ kind }) => kind === 'tbf')?.bytesPerSecond ?? null;
    const isDetoured = own.some(({ kind }) => kind === 'ingress');
    return bytesPerSecond === null && !isDetoured ? [] : [{ link: name, bytesPerSecond, isDetoured }];
  });
}
