/**
 * From one state of a router to another, as steps.
 *
 * Of a router that was applied before only what differs is touched, and nothing that belongs to other flows: rules and
 * maps in one transaction, then addresses and routes. What was translated by something that is gone ends at last.
 * Anew (unknown, or to repair it) everything is ensured, what does not belong there goes, and connections
 * that are still right go on.
 */
import type { KernelAddress, KernelLink, KernelRoute, KernelStep } from '../../host/kernel.ts';
import { announcement } from './announce.ts';
import { printChanges, printRuleset } from './changes.ts';
import type { RouterPlan } from './router.ts';
import { identityOf, stepChanges } from './step-changes.ts';
import { endSteps } from './translations.ts';

/** What a router's namespace holds now. */
export interface RouterState {
  readonly links: readonly KernelLink[];
  readonly addresses: readonly KernelAddress[];
  readonly routes: readonly KernelRoute[];
}

/**
 * IPv6 legs are ready at once (no duplicate detection: addresses are ours). On each link only its own addresses are
 * answered for: two tenants' routers share the external bridge, perhaps with a whole office.
 */
const settings = {
  'net/ipv6/conf/default/accept_dad': '0',
  'net/ipv6/conf/default/accept_ra': '0',
  'net/ipv4/conf/default/arp_notify': '1',
  'net/ipv4/conf/default/arp_ignore': '1',
  'net/ipv4/conf/default/arp_announce': '2',
  'net/ipv4/conf/default/rp_filter': '0',
  'net/ipv4/conf/default/send_redirects': '0',
  'net/ipv4/conf/all/rp_filter': '0',
  'net/ipv4/conf/all/accept_redirects': '0',
  'net/ipv4/conf/all/send_redirects': '0',
  'net/ipv4/ip_forward': '1',
  'net/ipv6/conf/all/forwarding': '1',
} as const;

/** The namespace itself, before its rules. */
export function namespaceSteps(netns: string): KernelStep[] {
  return [
    { do: 'ensure-netns', name: netns },
    ...Object.entries(settings).map(([key, value]): KernelStep => ({ do: 'sysctl', netns, key, value })),
  ];
}

/** All that the namespace holds but its rules; `state` is what there is of it, undefined = it was not there. */
export function renewSteps(
  before: RouterPlan | undefined,
  after: RouterPlan,
  state: RouterState | undefined,
): KernelStep[] {
  return [
    ...(state ? staleSteps(after, state) : []),
    ...after.steps.flatMap((step) => [step, ...announceStep(after, step, state)]),
    ...advertiseSteps(after),
    ...(state ? endSteps(after.netns, before?.translations, after.translations) : []),
  ];
}

/** All that a router should be. */
export function allSteps(plan: RouterPlan): KernelStep[] {
  const { netns, ruleset, steps } = plan;
  return [...namespaceSteps(netns), { do: 'nft', netns, script: printRuleset(ruleset) }, ...steps];
}

/** Only what differs. */
export function changeSteps(before: RouterPlan, after: RouterPlan): KernelStep[] {
  const { netns } = after;
  const script = printChanges(before.ruleset, after.ruleset);
  const { undone, done } = stepChanges(before.steps, after.steps);
  return [
    ...(script ? [{ do: 'nft', netns, script } as const] : []),
    ...farewellSteps(before, after),
    ...undone,
    ...done.flatMap((step) => [step, ...announceStep(after, step, undefined)]),
    ...advertiseSteps(after, new Set(before.advertisements.map(({ frame }) => frame))),
    ...endSteps(netns, before.translations, after.translations),
  ];
}

/** Router advertisements, but for those that were sent. */
export function advertiseSteps(
  { netns, advertisements }: RouterPlan,
  sent: ReadonlySet<string> = new Set(),
): KernelStep[] {
  return advertisements
    .filter(({ frame }) => !sent.has(frame))
    .map(({ link, frame }) => ({ do: 'send-frame', netns, name: link, frame }));
}

function farewellSteps(before: RouterPlan, after: RouterPlan): KernelStep[] {
  const kept = new Set(after.advertisements.map(({ link }) => link));
  return before.advertisements
    .filter(({ link }) => !kept.has(link))
    .map(({ link, farewell }) => ({ do: 'send-frame', netns: before.netns, name: link, frame: farewell }));
}

/** Neighbours on the external bridge may remember where the address was before. */
function announceStep(plan: RouterPlan, step: KernelStep, state: RouterState | undefined): KernelStep[] {
  const { netns, gateway } = plan;
  if (step.do !== 'ensure-address' || !gateway || step.link !== gateway.link) return [];
  const { link, address } = step;
  const isKnown = state?.addresses.some((one) => one.link === link && one.address === address);
  if (isKnown) return [];
  return [{ do: 'send-frame', netns, name: link, frame: announcement(gateway.mac, address) }];
}

/** Links, addresses and routes inside the router that are not wanted. */
function staleSteps(plan: RouterPlan, state: RouterState): KernelStep[] {
  const { netns } = plan;
  const wanted = new Set(plan.steps.map(identityOf));
  const present = new Set(
    plan.steps.flatMap((step) => (step.do === 'set-link' && step.netns === netns ? [step.name] : [])),
  );
  const links = state.links.filter(({ alias, name }) => alias !== '' && !plan.links.includes(name));
  const addresses = state.addresses.filter(
    ({ link, address }) =>
      present.has(link) && !isAutomatic(address) && !wanted.has(`address ${link} ${address}`),
  );
  const routes = state.routes.filter(({ to, via }) => via !== undefined && !plan.destinations.includes(to));
  return [
    ...routes.map(({ to }): KernelStep => ({ do: 'delete-route', netns, to })),
    ...addresses.map(({ link, address }): KernelStep => ({ do: 'delete-address', netns, link, address })),
    ...links.map(({ name }): KernelStep => ({ do: 'delete-link', netns, name })),
  ];
}

function isAutomatic(address: string): boolean {
  return address.startsWith('fe80:');
}
