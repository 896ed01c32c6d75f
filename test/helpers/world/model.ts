/**
 * Who reaches whom in a world: the plain meaning of networks, groups, routers and address translation, written without a
 * look at how the dataplane does it.
 *
 * A packet is walked from place to place until it is delivered or dropped; then its answer is walked back. What the
 * first walk leaves behind is what connection tracking would: whose connection passed where, and which router gave it
 * another address.
 */
import { Groups } from './model-groups.ts';
import { inverse, isSame, type Packet } from './packet.ts';
import {
  addressesOf,
  addressOn,
  fixedAddress,
  isOn,
  nexthopOf,
  outside,
  routedBy,
  versionOf,
  versions,
  type World,
  type WorldNetwork,
  type WorldPort,
  type WorldRouter,
} from './world.ts';

/** A port's or router's name, `machine` (the host) or `outside`. */
export type Place = string;

export interface Arrival {
  readonly at: Place;
  readonly packet: Packet;
}

export interface Outcome extends Arrival {
  /** Whether the answer reaches the sender as one. */
  readonly isAnswered: boolean;
}

/** What becomes of a packet that somebody sends as the first of a connection; undefined = nobody gets it. */
export function reach(world: World, sender: Place, packet: Packet): Outcome | undefined {
  const memory: Memory = { passed: [], translated: [] };
  const arrival = new Walk(world, memory, false).start(sender, packet);
  if (!arrival) return undefined;
  const answer = new Walk(world, memory, true).start(arrival.at, inverse(arrival.packet));
  const isAnswered = answer?.at === sender && isSame(answer.packet, inverse(packet));
  // Nobody sees a TCP connection that does not come about.
  return isAnswered || packet.protocol !== 'tcp' ? { ...arrival, isAnswered } : undefined;
}

/** As `reach`, whether or not an answer comes back. */
export function arrivalOf(world: World, sender: Place, packet: Packet): Arrival | undefined {
  return new Walk(world, { passed: [], translated: [] }, false).start(sender, packet);
}

interface Memory {
  /** Where a packet of the connection passed, as it was there. */
  readonly passed: { readonly where: string; readonly packet: Packet }[];
  /** By a router or the machine: the packet as it came and as it left. */
  readonly translated: { readonly where: string; readonly before: Packet; readonly after: Packet }[];
}

/** How a packet came to a router: from a network, `external` or the router itself. */
interface Way {
  readonly from: string;
  /** To a floating address or a forwarded port. */
  readonly wasGivenIn: boolean;
  /** It belongs to a connection that the router has seen, or to one of its own. */
  readonly isKnown: boolean;
}

class Walk {
  readonly #world: World;
  readonly #memory: Memory;
  readonly #isReply: boolean;
  readonly #groups: Groups;
  /** Routers send packets in circles where routes do. */
  #hopsLeft = 16;

  constructor(world: World, memory: Memory, isReply: boolean) {
    this.#world = world;
    this.#memory = memory;
    this.#isReply = isReply;
    this.#groups = new Groups(world);
  }

  start(place: Place, packet: Packet): Arrival | undefined {
    const port = this.#world.ports.find(({ name }) => name === place);
    if (port) return this.#fromPort(port, packet);
    const router = this.#world.routers.find(({ name }) => name === place);
    if (router) return this.#route(router, packet);
    if (place === 'outside') return this.#atMachine('uplink', packet);
    const known = this.#asBefore('machine', packet);
    this.#note('machine', packet);
    return this.#fromMachine(known ?? packet, 'itself');
  }

  #fromPort(port: WorldPort, packet: Packet): Arrival | undefined {
    const network = this.#network(port.network);
    if (!port.up || !this.#passes(port, 'egress', packet)) return undefined;
    if (isOn(network, packet.to)) return this.#onNetwork(network, packet);
    const router = this.#world.routers.find(({ legs }) =>
      legs.some((leg) => leg.network === network.name && leg.number === 1),
    );
    this.#note(network.name, packet);
    return router && this.#atRouter(router, network.name, packet);
  }

  /** Whoever has the address there. */
  #onNetwork(network: WorldNetwork, packet: Packet): Arrival | undefined {
    this.#note(network.name, packet);
    const router = this.#world.routers.find(({ legs }) =>
      legs.some((leg) => leg.network === network.name && this.#legAddresses(leg).includes(packet.to)),
    );
    if (router) return this.#atRouter(router, network.name, packet);
    const port = this.#world.ports.find(
      (one) => one.network === network.name && addressesOf(this.#world, one).includes(packet.to),
    );
    if (!port?.up || !this.#passes(port, 'ingress', packet)) return undefined;
    return { at: port.name, packet };
  }

  #atRouter(router: WorldRouter, from: string, packet: Packet): Arrival | undefined {
    const known = this.#asBefore(router.name, packet);
    const isKnown = known !== undefined || this.#isKnown(router.name, packet);
    const inside = known ?? (isKnown ? packet : this.#withFixedAddress(router, packet));
    if (this.#routerAddresses(router).includes(inside.to)) {
      return inside.protocol === 'icmp' ? { at: router.name, packet: inside } : undefined;
    }
    if (!router.up) return undefined;
    const wasGivenIn = !isKnown && inside.to !== packet.to;
    if (from === 'external' && !isKnown && !wasGivenIn && router.gateway?.snat) return undefined;
    this.#note(router.name, inside);
    return this.#route(router, inside, { from, wasGivenIn, isKnown });
  }

  #route(
    router: WorldRouter,
    packet: Packet,
    way: Way = { from: 'itself', wasGivenIn: false, isKnown: true },
  ): Arrival | undefined {
    this.#hopsLeft -= 1;
    if (this.#hopsLeft === 0) return undefined;
    const leg = router.legs.find(({ network }) => isOn(this.#network(network), packet.to));
    if (leg) {
      // Who speaks to an external address from inside gets one, too: else the answer would not come this way.
      const isHairpin = way.wasGivenIn && way.from !== 'external';
      return this.#onNetwork(
        this.#network(leg.network),
        isHairpin ? this.#withExternalAddress(router, packet, 'always') : packet,
      );
    }
    const route = router.routes.find(({ to }) => isOn(this.#network(to), packet.to));
    const nexthop = route && nexthopOf(this.#world, route);
    if (nexthop && router.legs.some(({ network }) => network === nexthop.network)) {
      const next = this.#world.routers.find(({ name }) => name === route.router);
      this.#note(nexthop.network, packet);
      return next && this.#atRouter(next, nexthop.network, packet);
    }
    // Nothing that came from outside goes back there.
    if (!router.gateway || way.from === 'external') return undefined;
    // An answer to nothing that went out would leave with an address of the inside.
    if (this.#isReply && !way.isKnown && packet.protocol !== 'udp') return undefined;
    return this.#onExternal(
      way.isKnown ? packet : this.#withExternalAddress(router, packet, 'unless routed'),
    );
  }

  /** Sent to a floating address or a forwarded port: to whom that leads. */
  #withFixedAddress(router: WorldRouter, packet: Packet): Packet {
    if (!router.gateway) return packet;
    const forwarded = router.forwarded.find(
      ({ number, protocol, external }) =>
        outside.external(number, 4) === packet.to && protocol === packet.protocol && external === packet.port,
    );
    const floating = router.floating.find(({ number }) => outside.external(number, 4) === packet.to);
    const port = forwarded?.port ?? floating?.port;
    if (port === undefined) return packet;
    const after = {
      ...packet,
      to: fixedAddress(this.#world, port),
      port: forwarded?.internal ?? packet.port,
    };
    if (!this.#isReply) this.#memory.translated.push({ where: router.name, before: packet, after });
    return after;
  }

  /** As whom the sender is seen: its floating address, or the router's own unless addresses are routed. */
  #withExternalAddress(router: WorldRouter, packet: Packet, when: 'always' | 'unless routed'): Packet {
    const { gateway, floating } = router;
    if (!gateway) return packet;
    const own = floating.find(({ port }) => fixedAddress(this.#world, port) === packet.from);
    const isRouted =
      !gateway.snat && router.legs.some((leg) => isOn(this.#network(leg.network), packet.from));
    if (!own && isRouted && when === 'unless routed') return packet;
    const version = versionOf(packet.from);
    return this.#translate(router.name, packet, outside.external(own?.number ?? gateway.number, version));
  }

  /** On the external bridge, where the machine sees what passes. */
  #onExternal(packet: Packet): Arrival | undefined {
    this.#note('machine', packet);
    if (packet.to === outside.machine(versionOf(packet.to)) || !outside.isExternal(packet.to)) {
      return this.#atMachine('external', packet);
    }
    const router = this.#world.routers.find((one) => this.#externalAddresses(one).includes(packet.to));
    return router && this.#atRouter(router, 'external', packet);
  }

  /** The machine's own services are closed to routers, but for echo; it lends them its address to the outside. */
  #atMachine(from: 'external' | 'uplink', packet: Packet): Arrival | undefined {
    const known = this.#asBefore('machine', packet);
    if (known) return this.#onExternal(known);
    if (this.#machineAddresses().includes(packet.to)) {
      const isOpen = from === 'uplink' || packet.protocol === 'icmp' || this.#isKnown('machine', packet);
      return isOpen ? { at: 'machine', packet } : undefined;
    }
    if (
      from === 'external' &&
      this.#isReply &&
      !this.#isKnown('machine', packet) &&
      packet.protocol !== 'udp'
    ) {
      return undefined;
    }
    this.#note('machine', packet);
    return this.#fromMachine(packet, from);
  }

  /** By the machine's own routes. */
  #fromMachine(packet: Packet, from: 'itself' | 'external' | 'uplink'): Arrival | undefined {
    this.#hopsLeft -= 1;
    if (this.#hopsLeft === 0) return undefined;
    const router = routedBy(this.#world, packet.to);
    if (router) return this.#atRouter(router, 'external', packet);
    if (outside.isExternal(packet.to)) return from === 'external' ? undefined : this.#onExternal(packet);
    const version = versionOf(packet.to);
    if (packet.to !== outside.outside(version) || from === 'uplink') return undefined;
    const isRouted = routedBy(this.#world, packet.from) !== undefined;
    const isAsItIs = from === 'itself' || isRouted || this.#isKnown('machine', packet);
    return {
      at: 'outside',
      packet: isAsItIs ? packet : this.#translate('machine', packet, outside.uplink(version)),
    };
  }

  /** Under another address from here on. */
  #translate(where: string, packet: Packet, from: string): Packet {
    const after = { ...packet, from };
    if (this.#isReply) return after;
    this.#memory.translated.push({ where, before: packet, after });
    return after;
  }

  /** Of an answer: to and from whom it is once the translation made here is undone. */
  #asBefore(where: string, packet: Packet): Packet | undefined {
    if (!this.#isReply) return undefined;
    const done = this.#memory.translated.find(
      (one) => one.where === where && isSame(inverse(one.after), packet),
    );
    if (!done) return undefined;
    const before = inverse(done.before);
    return this.#asBefore(where, before) ?? before;
  }

  #note(where: string, packet: Packet): void {
    if (!this.#isReply) this.#memory.passed.push({ where, packet });
  }

  #isKnown(where: string, packet: Packet): boolean {
    return (
      this.#isReply &&
      this.#memory.passed.some((one) => one.where === where && isSame(inverse(one.packet), packet))
    );
  }

  #passes(port: WorldPort, direction: 'ingress' | 'egress', packet: Packet): boolean {
    if (!port.secured) return true;
    if (this.#groups.isStateful(port)) {
      if (this.#isKnown(port.network, packet)) return true;
      if (this.#isReply && packet.protocol !== 'udp') return false;
    }
    return this.#groups.permit(port, direction, packet);
  }

  #network(name: string): WorldNetwork {
    const network = this.#world.networks.find((one) => one.name === name);
    if (!network) throw new Error(`no network ${name}`);
    return network;
  }

  /** The external bridge is there while a router has a gateway. */
  #machineAddresses(): string[] {
    const hasBridge = this.#world.routers.some(({ gateway }) => gateway);
    return versions.flatMap((version) => [
      outside.uplink(version),
      ...(hasBridge ? [outside.machine(version)] : []),
    ]);
  }

  #legAddresses(leg: WorldRouter['legs'][number]): string[] {
    const network = this.#network(leg.network);
    return ([4, 6] as const).map((version) => addressOn(network, leg.number, version));
  }

  #routerAddresses(router: WorldRouter): string[] {
    return [...this.#externalAddresses(router), ...router.legs.flatMap((leg) => this.#legAddresses(leg))];
  }

  #externalAddresses({ gateway, floating, forwarded }: WorldRouter): string[] {
    if (!gateway) return [];
    return [
      ...[gateway, ...floating, ...forwarded].map(({ number }) => outside.external(number, 4)),
      outside.external(gateway.number, 6),
    ];
  }
}
