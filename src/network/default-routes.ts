/**
 * Default routes, and the way to the resolver, of a container that runs, in the namespace that its engine made: nothing
 * but these is touched there. Its links are told by their MAC addresses, so that a process id that is another's by now
 * does no harm.
 */
import { type Kernel, type KernelRoute, type KernelStep, namespaceOfProcess } from '../host/kernel.ts';
import { Failure } from '../model/failure.ts';
import { resolverPrefix } from '../model/resolver.ts';

export interface DefaultRoute {
  readonly version: 4 | 6;
  /** Of the link that it leaves through. */
  readonly macAddress: string;
  readonly via: string;
}

const everywhere = { 4: '0.0.0.0/0', 6: '::/0' } as const;

/**
 * For each IP version at most one; where none of version 6 is wanted, what routers advertise is left to the container. Throws
 * when a link is not there.
 */
export async function setDefaultRoutes(
  kernel: Kernel,
  pid: number,
  wanted: readonly DefaultRoute[],
): Promise<void> {
  const netns = namespaceOfProcess(pid);
  const [links, routes] = await Promise.all([kernel.links(netns), kernel.routes(netns)]);
  const linkOf = (mac: string) => links.find((link) => link.mac === mac.toLowerCase())?.name;
  const names = links.filter(({ kind }) => kind !== 'loopback').map(({ name }) => name);
  await kernel.apply(planDefaultRoutes(netns, { routes, wanted, linkOf, names }));
}

/** The link, by its MAC address, on which the container finds a resolver; for each IP version at most one. */
export type ResolverWay = Omit<DefaultRoute, 'via'>;

/** Each way takes the place of another one. A link that is not there leads nowhere. */
export async function setResolverWays(
  kernel: Kernel,
  pid: number,
  ways: readonly ResolverWay[],
): Promise<void> {
  const netns = namespaceOfProcess(pid);
  const links = await kernel.links(netns);
  await kernel.apply(
    ways.flatMap(({ version, macAddress }): KernelStep[] => {
      const link = links.find(({ mac }) => mac === macAddress.toLowerCase())?.name;
      return link === undefined ? [] : [{ do: 'ensure-route', netns, to: resolverPrefix(version), link }];
    }),
  );
}

interface Situation {
  readonly routes: readonly KernelRoute[];
  readonly wanted: readonly DefaultRoute[];
  readonly linkOf: (mac: string) => string | undefined;
  /** Of all links but the loopback. */
  readonly names: readonly string[];
}

function planDefaultRoutes(netns: string, { routes, wanted, linkOf, names }: Situation): KernelStep[] {
  return ([4, 6] as const).flatMap((version) => {
    const to = everywhere[version];
    const present = routes.filter((route) => route.to === to);
    const route = wanted.find((each) => each.version === version);
    if (!route && version === 6) return [];
    const link = route && linkOf(route.macAddress);
    if (route && link === undefined) {
      throw new Failure('kernel-error', `the container has no link with MAC address ${route.macAddress}`);
    }
    const isIt = (each: KernelRoute) => each.via === route?.via && each.link === link;
    const stale = present.filter((each) => !isIt(each));
    return [
      ...(version === 6 ? names.map((name) => quietStep(netns, name)) : []),
      // First: it takes the place of another one, so that there is always one.
      ...(route && link !== undefined && !present.some(isIt)
        ? [{ do: 'ensure-route', netns, to, via: route.via, link } as const]
        : []),
      ...stale.map((each): KernelStep => ({ do: 'delete-route', netns, ...each })),
    ];
  });
}

/** A router that advertises itself would be one more default route. */
function quietStep(netns: string, link: string): KernelStep {
  return { do: 'sysctl', netns, key: `net/ipv6/conf/${link}/accept_ra_defrtr`, value: '0' };
}
