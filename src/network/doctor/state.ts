/**
 * Compares steps with what the kernel holds. A plan is a list of steps that ensure a state; each kind of step has a
 * look here that tells, in words, how what is there differs. Pure: the readings are given.
 */
import type {
  KernelAddress,
  KernelLimit,
  KernelLink,
  KernelRoute,
  KernelStep,
  KernelStepOf,
} from '../../host/kernel.ts';

/** One namespace as the kernel has it; the settings are those that the steps name. */
export interface Reading {
  readonly links: readonly KernelLink[];
  readonly addresses: readonly KernelAddress[];
  readonly routes: readonly KernelRoute[];
  readonly limits: readonly KernelLimit[];
  readonly settings: ReadonlyMap<string, string>;
}

/** Namespace ('' = the host's own) → what is in it; absent = there is no such namespace. */
export type Readings = ReadonlyMap<string, Reading>;

export interface Difference {
  /** A namespace's name; empty = the host's own. */
  readonly netns: string;
  readonly text: string;
  /** What brings it to what is wanted; absent = nothing that we may do. */
  readonly fix?: KernelStep;
}

type Look<Step> = (step: Step, there: Reading, readings: Readings) => readonly string[];

/** Kinds that are not here leave no state behind, or state that is looked at elsewhere (rules: ./listing). */
const looks: { readonly [Do in KernelStep['do']]?: Look<KernelStepOf<Do>> } = {
  'ensure-bridge': (step, { links }) => linkDifferences(links, { ...step, kind: 'bridge' }),
  'ensure-veth': (step, { links }, readings) => [
    ...linkDifferences(links, { ...step, kind: 'veth' }),
    ...peerDifferences(step, readings),
  ],
  'set-link': (step, { links }) => linkDifferences(links, step),
  'ensure-address': ({ link, address }, { addresses }) =>
    addresses.some((one) => one.link === link && one.address === address)
      ? []
      : [`address ${address} of ${link} is missing`],
  'ensure-route': ({ to, via, link }, { routes }) =>
    routes.some((one) => one.to === to && one.via === via && (link === undefined || one.link === link))
      ? []
      : [`the route to ${to}${via ? ` by ${via}` : ''} is missing`],
  'limit-link': ({ name, leaving, arriving, detour }, { links, limits }) => {
    const rate = (link: string, wanted: number | null) => {
      const found = limits.find((one) => one.link === link)?.bytesPerSecond ?? null;
      return found === wanted
        ? []
        : [`link ${link}: its limit is ${perSecond(found)} instead of ${perSecond(wanted)}`];
    };
    const isDetoured = limits.some((one) => one.link === name && one.isDetoured);
    return [
      ...rate(name, leaving ? Math.round(leaving.bytesPerSecond) : null),
      ...(isDetoured === (arriving !== null)
        ? []
        : [`link ${name}: what arrives is ${isDetoured ? '' : 'not '}limited`]),
      ...(arriving ? linkDifferences(links, { name: detour.name, kind: 'ifb', up: true }) : []),
      ...(arriving ? rate(detour.name, Math.round(arriving.bytesPerSecond)) : []),
    ];
  },
  sysctl: ({ key, value }, { settings }) => {
    const found = settings.get(key);
    return found === value ? [] : [`${key} is ${found ?? 'not there'} instead of ${value}`];
  },
};

function perSecond(bytes: number | null): string {
  return bytes === null ? 'none' : `${bytes} bytes/s`;
}

interface WantedLink {
  readonly name: string;
  readonly kind?: string;
  readonly up?: boolean | undefined;
  readonly mtu?: number | undefined;
  readonly mac?: string | undefined;
  readonly alias?: string | undefined;
  readonly bridge?: string | null | undefined;
}

function linkDifferences(links: readonly KernelLink[], wanted: WantedLink): string[] {
  const { name } = wanted;
  const found = links.find((link) => link.name === name);
  if (!found) return [`link ${name} is missing`];
  const differs = (what: string, asked: unknown, is: unknown) =>
    asked === undefined || asked === is
      ? []
      : [`link ${name}: ${what} is ${is || 'none'} instead of ${asked}`];
  return [
    ...differs('its kind', wanted.kind, found.kind),
    ...differs('its MTU', wanted.mtu, found.mtu),
    ...differs('its MAC address', wanted.mac?.toLowerCase(), found.mac),
    ...differs('its alias', wanted.alias, found.alias),
    ...differs('its bridge', wanted.bridge === null ? '' : wanted.bridge, found.bridge ?? ''),
    ...(wanted.up === undefined || wanted.up === found.up
      ? []
      : [`link ${name} is ${found.up ? 'up' : 'down'}`]),
  ];
}

/** A container's end has been taken by its engine. */
function peerDifferences({ peer, mtu }: KernelStepOf<'ensure-veth'>, readings: Readings): string[] {
  if (peer.netns === undefined) return [];
  const links = readings.get(peer.netns)?.links ?? [];
  return linkDifferences(links, { ...peer, mtu, kind: 'veth' }).map((text) => `in ${peer.netns}: ${text}`);
}

/** Each step whose state is not there, with the step itself as the cure. */
export function stateDifferences(steps: readonly KernelStep[], readings: Readings): Difference[] {
  return steps.flatMap((step): Difference[] => {
    if (step.do === 'ensure-netns') {
      if (readings.has(step.name)) return [];
      return [{ netns: step.name, text: 'the namespace is missing', fix: step }];
    }
    const netns = ('netns' in step ? step.netns : undefined) ?? '';
    const there = readings.get(netns);
    // A namespace that is missing is one difference, not one for everything in it; its cure is all of it.
    const texts = there ? lookAt(step, there, readings) : [];
    const [first] = texts;
    if (there && first === undefined) return [];
    return [{ netns, text: texts.join('; '), fix: step }];
  });
}

function lookAt(step: KernelStep, there: Reading, readings: Readings): readonly string[] {
  const look = looks[step.do] as Look<KernelStep> | undefined;
  return look?.(step, there, readings) ?? [];
}

/** What is on our links, or in our namespaces, and was not planned. */
export function surplus(steps: readonly KernelStep[], readings: Readings): Difference[] {
  return [...readings].flatMap(([netns, reading]) => {
    const here = steps.filter((step) => (('netns' in step ? step.netns : undefined) ?? '') === netns);
    const addressed = here.flatMap((step) => (step.do === 'ensure-address' ? [step] : []));
    const bridges = here.flatMap((step) => (step.do === 'ensure-bridge' ? [step.name] : []));
    const links = new Set([...addressed.map(({ link }) => link), ...bridges]);
    const routed = here.flatMap((step) => (step.do === 'ensure-route' ? [step] : []));
    const inside = netns === '' ? {} : { netns };
    return [
      ...reading.addresses
        .filter(({ link, address }) => links.has(link) && !isAutomatic(address))
        .filter(({ link, address }) => !addressed.some((one) => one.link === link && one.address === address))
        .map(({ link, address }) => ({
          netns,
          text: `address ${address} of ${link} is not ours`,
          fix: { do: 'delete-address', ...inside, link, address } as const,
        })),
      ...reading.routes
        .filter(({ via, link }) => via !== undefined && link !== undefined && links.has(link))
        .filter(({ to, via }) => !routed.some((one) => one.to === to && one.via === via))
        .map(({ to, via = '' }) => ({
          netns,
          text: `the route to ${to} by ${via} is not ours`,
          fix: { do: 'delete-route', ...inside, to, via } as const,
        })),
    ];
  });
}

function isAutomatic(address: string): boolean {
  return address.startsWith('fe80:');
}
