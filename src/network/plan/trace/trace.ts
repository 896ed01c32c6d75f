/**
 * Follows the first packet of a connection through the wanted dataplane, place by place: sender's port, its network,
 * routers, the outside, receiver's port. Pure; what it says must equal what the planned rulesets do, which tests hold.
 *
 * Knows one host's networks: what lies on another host is said to be there and not judged.
 */
import type { WantedNetwork, WantedPort, WantedRouter } from '../../../wire/host-network.ts';
import type { Trace, TracedPacket, TraceStep, TraceWhat } from '../../../wire/trace.ts';
import { readAddresses } from '../words.ts';
import {
  addressesOf,
  externalAddressesOf,
  isRouted,
  translateDestination,
  translateHairpin,
  translateSource,
  withoutPrefix,
} from './nat.ts';
import { maySend, whyDown } from './port.ts';
import { bestRoute, type Route, routesOfPort, routesOfRouter } from './route.ts';
import { judge } from './rules.ts';

/** Where the packet is, and what is about to happen to it there. */
type Place =
  | { readonly at: 'sender'; readonly network: WantedNetwork; readonly port: WantedPort }
  | { readonly at: 'link'; readonly network: WantedNetwork; readonly nexthop: string }
  | { readonly at: 'router'; readonly router: WantedRouter; readonly from: string | null }
  | { readonly at: 'outside'; readonly nexthop: string; readonly from: WantedRouter | null }
  | { readonly at: 'receiver'; readonly network: WantedNetwork; readonly port: WantedPort };

interface Hop {
  readonly steps: readonly TraceStep[];
  readonly packet: TracedPacket;
  /** Absent = the journey ends here, with the last step's verdict. */
  readonly next?: Place;
}

/** Longer journeys go in circles. */
const mostHops = 16;

export function traceOf(networks: readonly WantedNetwork[], packet: TracedPacket): Trace {
  const steps: TraceStep[] = [];
  let now = begin(networks, packet);
  for (let hops = 0; ; hops += 1) {
    steps.push(...now.steps);
    if (!now.next) break;
    if (hops === mostHops) {
      steps.push(stepAt('network', '', { what: 'route', passes: false, text: 'the routes go in a circle' }));
      break;
    }
    now = follow(networks, now.next, now.packet);
  }
  return { passes: steps.at(-1)?.passes ?? false, steps, packet: now.packet };
}

function follow(networks: readonly WantedNetwork[], place: Place, packet: TracedPacket): Hop {
  switch (place.at) {
    case 'sender':
      return send(place, packet);
    case 'link':
      return passLink(place, packet);
    case 'router':
      return passRouter(networks, place, packet);
    case 'outside':
      return passOutside(networks, place, packet);
    case 'receiver':
      return receive(place, packet);
  }
}

function begin(networks: readonly WantedNetwork[], packet: TracedPacket): Hop {
  const { portId, source, destination } = packet;
  if (portId === null) {
    const text = `somebody outside sends from ${source} to ${destination}`;
    const next: Place = { at: 'outside', nexthop: destination, from: null };
    return { steps: [stepAt('outside', '', { what: 'route', passes: true, text })], packet, next };
  }
  for (const network of networks) {
    const port = network.ports.find(({ id }) => id === portId);
    if (port) return { steps: [], packet, next: { at: 'sender', network, port } };
  }
  return drop(packet, stepAt('port', portId, { what: 'state', passes: false, text: 'not on this host' }));
}

// ---- ports ------------------------------------------------------------------------------------------------------

function send({ network, port }: Extract<Place, { at: 'sender' }>, packet: TracedPacket): Hop {
  const say = (what: TraceWhat, passes: boolean, text: string) =>
    stepAt('port', port.id, { what, passes, text });
  const down = whyDown(network, port);
  if (down) return drop(packet, say('state', false, down));
  const { source, destination } = packet;
  if (!maySend(port, packet)) {
    return drop(packet, say('anti-spoofing', false, `${source} is none of its addresses`));
  }
  const why = port.portSecurityEnabled ? 'is an address of its own or an allowed pair' : 'is not checked';
  const guard = say('anti-spoofing', true, `${source} ${why}`);
  const { passes, ...judgement } = judge(network, port, { direction: 'egress', packet });
  const egress: TraceStep = { at: 'port', id: port.id, what: 'egress', passes, ...judgement };
  if (!passes) return { steps: [guard, egress], packet };
  const route = bestRoute(routesOfPort(network, port), destination);
  if (!route) {
    const none = say('route', false, `it has no route to ${destination}: its subnet has no gateway`);
    return { steps: [guard, egress, none], packet };
  }
  const nexthop = route.via ?? destination;
  const text = route.via
    ? `route ${route.to} leads to ${nexthop}`
    : `${destination} is on its own subnet ${route.to}`;
  return {
    steps: [guard, egress, say('route', true, text)],
    packet,
    next: { at: 'link', network, nexthop },
  };
}

function receive({ network, port }: Extract<Place, { at: 'receiver' }>, packet: TracedPacket): Hop {
  const down = whyDown(network, port);
  if (down) return drop(packet, stepAt('port', port.id, { what: 'state', passes: false, text: down }));
  const judgement = judge(network, port, { direction: 'ingress', packet });
  return { steps: [{ at: 'port', id: port.id, what: 'ingress', ...judgement }], packet };
}

// ---- a network's link -------------------------------------------------------------------------------------------

/** Who answers for the next hop's address: a port, or a router's leg. */
function passLink({ network, nexthop }: Extract<Place, { at: 'link' }>, packet: TracedPacket): Hop {
  const say = (passes: boolean, text: string) =>
    stepAt('network', network.id, { what: 'deliver', passes, text });
  if (!network.adminStateUp) return drop(packet, say(false, 'the network is switched off'));
  const router = network.routers.find(({ interfaces }) =>
    interfaces.some(
      (leg) => leg.networkId === network.id && leg.addresses.map(withoutPrefix).includes(nexthop),
    ),
  );
  if (router) {
    const next: Place = { at: 'router', router, from: network.id };
    return { steps: [say(true, `${nexthop} is a router's`)], packet, next };
  }
  const port = holderOf(network, nexthop);
  if (!port) return drop(packet, say(false, `nobody on this host has ${nexthop}`));
  return {
    steps: [say(true, `${nexthop} is a port's`)],
    packet,
    next: { at: 'receiver', network, port },
  };
}

function holderOf(network: WantedNetwork, address: string): WantedPort | undefined {
  const has = (ips: readonly string[]) => ips.includes(address);
  return (
    network.ports.find(({ fixedIps }) => has(fixedIps.map((ip) => ip.address))) ??
    network.ports.find(({ allowedAddressPairs }) => has(allowedAddressPairs.map((pair) => pair.ipAddress)))
  );
}

// ---- routers ----------------------------------------------------------------------------------------------------

function passRouter(
  networks: readonly WantedNetwork[],
  { router, from }: Extract<Place, { at: 'router' }>,
  packet: TracedPacket,
): Hop {
  const say = (what: TraceWhat, passes: boolean, text: string) =>
    stepAt('router', router.id, { what, passes, text });
  const translated = translateDestination(router, packet);
  const steps = translated ? [say('destination-nat', true, translated.text)] : [];
  const inward = translated?.packet ?? packet;
  if (!translated && isOwn(router, inward.destination)) return answer(inward, say);
  if (!router.adminStateUp) {
    return { steps: [...steps, say('state', false, 'the router is switched off')], packet: inward };
  }
  const route = bestRoute(routesOfRouter(router), inward.destination);
  if (!route) {
    return {
      steps: [...steps, say('route', false, `it has no route to ${inward.destination}`)],
      packet: inward,
    };
  }
  const refusal =
    from === null ? whyNotInwards(router, route, { isTranslated: Boolean(translated), inward }) : '';
  if (refusal) return { steps: [...steps, say('forward', false, refusal)], packet: inward };
  steps.push(say('route', true, routeText(route)));
  const nexthop = route.via ?? inward.destination;
  if (route.networkId !== null) {
    const hairpin = translated && from !== null ? translateHairpin(router, inward) : undefined;
    if (hairpin) steps.push(say('source-nat', true, hairpin.text));
    return enter(networks, { steps, packet: hairpin?.packet ?? inward, networkId: route.networkId, nexthop });
  }
  const outward = from === null ? undefined : translateSource(router, inward);
  if (outward) steps.push(say('source-nat', true, outward.text));
  return { steps, packet: outward?.packet ?? inward, next: { at: 'outside', nexthop, from: router } };
}

/** Why what comes from outside is not let through; empty = it is. */
function whyNotInwards(
  router: WantedRouter,
  route: Route,
  { isTranslated, inward }: { readonly isTranslated: boolean; readonly inward: TracedPacket },
): string {
  if (route.networkId === null) return 'it does not send back outside what came from there';
  if (isTranslated || !router.enableSnat || isRouted(router, inward.destination)) return '';
  return 'from outside it lets only answers, floating IPs and forwarded ports in';
}

function routeText({ to, via, networkId }: Route): string {
  const where = networkId === null ? 'outside' : `on network ${networkId}`;
  return via ? `route ${to} leads to ${via} ${where}` : `${to} is ${where}`;
}

/** Comparison of what parses alike: routers' addresses come with prefix lengths. */
function isOwn(router: WantedRouter, address: string): boolean {
  return addressesOf(router).includes(readAddresses(address).text);
}

/** Of the router itself nothing can be reached but echo. */
function answer(
  packet: TracedPacket,
  say: (what: TraceWhat, passes: boolean, text: string) => TraceStep,
): Hop {
  const isEcho = packet.destination.includes(':')
    ? packet.protocol === 58 && [128, 133, 135, 136].includes(packet.port)
    : packet.protocol === 1 && packet.port === 8;
  const text = `${packet.destination} is the router's own: it answers to ping and nothing else`;
  return { steps: [say('answer', isEcho, text)], packet };
}

function enter(
  networks: readonly WantedNetwork[],
  hop: Hop & { readonly networkId: string; readonly nexthop: string },
): Hop {
  const { steps, packet, networkId, nexthop } = hop;
  const network = networks.find(({ id }) => id === networkId);
  if (network) return { steps, packet, next: { at: 'link', network, nexthop } };
  const text = 'the network has no port on this host';
  return {
    steps: [...steps, stepAt('network', networkId, { what: 'deliver', passes: false, text })],
    packet,
  };
}

// ---- the outside ------------------------------------------------------------------------------------------------

function passOutside(
  networks: readonly WantedNetwork[],
  { nexthop, from }: Extract<Place, { at: 'outside' }>,
  packet: TracedPacket,
): Hop {
  const say = (what: TraceWhat, passes: boolean, text: string) =>
    stepAt('outside', '', { what, passes, text });
  const routers = new Map(
    networks.flatMap((network) => network.routers.map((router) => [router.id, router])),
  );
  const all = [...routers.values()].filter(({ gateway }) => gateway);
  const { destination } = packet;
  const router =
    all.find((one) => externalAddressesOf(one).includes(destination)) ??
    all.find((one) => isRouted(one, destination));
  if (router) {
    const text = `a router of this cloud answers for ${destination}`;
    return { steps: [say('route', true, text)], packet, next: { at: 'router', router, from: null } };
  }
  if (from === null) return drop(packet, say('route', false, `no router here answers for ${destination}`));
  if (from.gateway?.nexthops.includes(destination)) {
    const isPing = packet.protocol === (destination.includes(':') ? 58 : 1);
    return {
      steps: [say('answer', isPing, `${destination} is the host's: it answers to ping only`)],
      packet,
    };
  }
  return { steps: [say('route', true, `it leaves the cloud by ${nexthop}`)], packet };
}

// ---- steps ------------------------------------------------------------------------------------------------------

function stepAt(
  at: TraceStep['at'],
  id: string,
  rest: Pick<TraceStep, 'what' | 'passes' | 'text'>,
): TraceStep {
  return { at, id, ...rest };
}

function drop(packet: TracedPacket, step: TraceStep): Hop {
  return { steps: [step], packet };
}
