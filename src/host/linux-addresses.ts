/** The steps about addresses and routes, and the tables of both. */
import type { KernelAddress, KernelRoute, KernelStepOf } from './kernel.ts';
import { errno } from './libc.ts';
import { findLink, getLink, listLinks } from './linux-links.ts';
import type { Namespaces } from './namespaces.ts';
import * as address from './netlink/address.ts';
import { formatIp, formatPrefix, parseIp, parsePrefix } from './netlink/ip-text.ts';
import { NetlinkError } from './netlink/message.ts';
import * as route from './netlink/route.ts';

export function ensureAddress(namespaces: Namespaces, step: KernelStepOf<'ensure-address'>): void {
  const { index } = getLink(namespaces, step.link, step.netns);
  const request = address.addAddress({ index, prefix: parsePrefix(step.address) });
  ignoring([errno.EEXIST], () => namespaces.socket(step.netns).change(request));
}

export function deleteAddress(namespaces: Namespaces, step: KernelStepOf<'delete-address'>): void {
  const prefix = parsePrefix(step.address);
  if (!namespaces.has(step.netns)) return;
  const present = findLink(namespaces, step.link, step.netns);
  if (present === undefined) return;
  const request = address.deleteAddress({ index: present.index, prefix });
  ignoring([errno.EADDRNOTAVAIL, errno.ENODEV], () => namespaces.socket(step.netns).change(request));
}

export function listAddresses(namespaces: Namespaces, netns?: string): KernelAddress[] {
  const names = linkNames(namespaces, netns);
  return namespaces
    .socket(netns)
    .list(address.listAddresses())
    .map(address.parseAddress)
    .flatMap(({ index, prefix }) => {
      const link = names.get(index);
      return link === undefined ? [] : [{ link, address: formatPrefix(prefix) }];
    });
}

export function ensureRoute(namespaces: Namespaces, step: KernelStepOf<'ensure-route'>): void {
  const index = step.link === undefined ? undefined : getLink(namespaces, step.link, step.netns).index;
  namespaces.socket(step.netns).change(route.replaceRoute(viewOf(step, index)));
}

export function deleteRoute(namespaces: Namespaces, step: KernelStepOf<'delete-route'>): void {
  if (!namespaces.has(step.netns)) return;
  const index = step.link === undefined ? undefined : findLink(namespaces, step.link, step.netns)?.index;
  if (step.link !== undefined && index === undefined) return;
  const request = route.deleteRoute(viewOf(step, index));
  // ENOENT: there is no table of the family yet.
  ignoring([errno.ESRCH, errno.ENODEV, errno.ENOENT], () => namespaces.socket(step.netns).change(request));
}

export function listRoutes(namespaces: Namespaces, netns?: string): KernelRoute[] {
  const names = linkNames(namespaces, netns);
  return namespaces
    .socket(netns)
    .list(route.listRoutes())
    .flatMap((payload) => route.parseRoute(payload) ?? [])
    .map(({ to, via, index }) => {
      const link = index === undefined ? undefined : names.get(index);
      return {
        to: formatPrefix(to),
        ...(via ? { via: formatIp(via) } : {}),
        ...(link === undefined ? {} : { link }),
      };
    });
}

function viewOf(step: { to: string; via?: string }, index: number | undefined): route.RouteView {
  return {
    to: parsePrefix(step.to),
    ...(step.via === undefined ? {} : { via: parseIp(step.via) }),
    ...(index === undefined ? {} : { index }),
  };
}

function linkNames(namespaces: Namespaces, netns?: string): Map<number, string> {
  return new Map(listLinks(namespaces, netns).map((link) => [link.index, link.name]));
}

function ignoring(numbers: readonly (number | undefined)[], work: () => void): void {
  try {
    work();
  } catch (error) {
    if (!(error instanceof NetlinkError) || !numbers.includes(error.errno)) throw error;
  }
}
