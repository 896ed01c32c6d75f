/**
 * Where the first packet of a connection gets to by what is planned: the rulesets of networks (../nft-judge.ts) and of
 * routers (../router-judge.ts), with the links, addresses and routes of the plan. As far as networks and routers go: what
 * reaches the machine itself is not followed.
 */
import assert from 'node:assert/strict';
import { portLink, routerLink } from '../../../src/model/host-names.ts';
import { planNetworkRuleset } from '../../../src/network/plan/network-ruleset.ts';
import { planRouter, type RouterPlan } from '../../../src/network/plan/router.ts';
import type { Ruleset } from '../../../src/network/plan/ruleset.ts';
import { covers, readAddresses } from '../../../src/network/plan/words.ts';
import type { WantedNetwork, WantedRouter } from '../../../src/wire/host-network.ts';
import { passes } from '../nft-judge.ts';
import { fateOf } from '../router-judge.ts';
import type { Packet } from './packet.ts';

/** A port's or router's id, and as whom the sender is seen there; `machine` = not followed. */
export interface Reached {
  readonly at: string;
  readonly from: string;
}

interface PlannedRouter {
  readonly wanted: WantedRouter;
  readonly plan: RouterPlan;
}

interface Sender {
  readonly link: string;
  readonly mac: string;
}

export class PlannedWorld {
  readonly #networks: readonly WantedNetwork[];
  readonly #rulesets: ReadonlyMap<string, Ruleset>;
  readonly #routers: readonly PlannedRouter[];
  #hopsLeft = 0;

  constructor(networks: readonly WantedNetwork[]) {
    const here = new Map(networks.map(({ id, mtu }) => [id, { mtu }]));
    const routers = new Map(
      networks.flatMap((network) => network.routers.map((one) => [one.id, one] as const)),
    );
    this.#networks = networks;
    this.#rulesets = new Map(networks.map((network) => [network.id, planNetworkRuleset(network, 7)]));
    this.#routers = [...routers.values()].map((wanted) => ({
      wanted,
      plan: planRouter('test', wanted, here),
    }));
  }

  hasRouter(id: string): boolean {
    return this.#routers.some(({ wanted }) => wanted.id === id);
  }

  /** `gateway`: what the sender sends to when the address is not on its own network. */
  send(portId: string, packet: Packet, gateway: string | undefined): Reached | undefined {
    this.#hopsLeft = 16;
    const network = this.#networks.find(({ ports }) => ports.some(({ id }) => id === portId));
    const port = network?.ports.find(({ id }) => id === portId);
    assert.ok(network && port, `port ${portId}`);
    const sender = { link: portLink(portId), mac: port.macAddress };
    return this.#onNetwork(network, sender, { packet, nexthop: gateway ?? packet.to });
  }

  /** To whoever has the next hop's address there. */
  #onNetwork(
    network: WantedNetwork,
    sender: Sender,
    { packet, nexthop }: { readonly packet: Packet; readonly nexthop: string },
  ): Reached | undefined {
    const port = network.ports.find(({ fixedIps }) => fixedIps.some(({ address }) => address === nexthop));
    const router = this.#routers.find(({ wanted }) => legAt(wanted, network.id, nexthop));
    const leg = router && legAt(router.wanted, network.id, nexthop);
    const link = leg ? portLink(leg.portId) : port && portLink(port.id);
    if (link === undefined || !this.#lets(network, sender, { packet, link })) return undefined;
    if (router && leg) return this.#atRouter(router, routerLink(leg.portId), packet);
    return port && nexthop === packet.to ? { at: port.id, from: packet.from } : undefined;
  }

  #lets(
    network: WantedNetwork,
    sender: Sender,
    { packet, link }: { readonly packet: Packet; readonly link: string },
  ): boolean {
    const version = packet.to.includes(':') ? 6 : 4;
    return passes(this.#rulesets.get(network.id) ?? [], {
      version,
      from: { ...sender, address: packet.from },
      to: { link, address: packet.to },
      protocol: numberOf(packet),
      sourcePort: packet.sourcePort,
      port: portOf(packet),
      code: 0,
    });
  }

  #atRouter({ wanted, plan }: PlannedRouter, link: string, packet: Packet): Reached | undefined {
    this.#hopsLeft -= 1;
    if (this.#hopsLeft === 0) return undefined;
    const { from: source, to: destination } = packet;
    const fate = fateOf(plan, {
      link,
      source,
      destination,
      protocol: numberOf(packet),
      port: portOf(packet),
    });
    if (fate.kind !== 'sent')
      return fate.kind === 'answered' ? { at: wanted.id, from: packet.from } : undefined;
    const { source: from, destination: to, port } = fate.packet;
    const after = { ...packet, from, to, port: packet.protocol === 'icmp' ? packet.port : port };
    if (fate.link === plan.gateway?.link) return this.#onExternal(after);
    const leg = wanted.interfaces.find(({ portId }) => routerLink(portId) === fate.link);
    const network = this.#networks.find(({ id }) => id === leg?.networkId);
    assert.ok(leg && network, `a leg ${fate.link}`);
    const sender = { link: portLink(leg.portId), mac: leg.macAddress };
    return this.#onNetwork(network, sender, { packet: after, nexthop: nexthopOf(plan, fate.link, to) });
  }

  #onExternal(packet: Packet): Reached | undefined {
    const router = this.#routers.find(({ plan }) =>
      plan.steps.some(
        (step) =>
          step.do === 'ensure-address' &&
          step.link === plan.gateway?.link &&
          step.address.replace(/\/.*/, '') === packet.to,
      ),
    );
    if (!router) return { at: 'machine', from: packet.from };
    return this.#atRouter(router, router.plan.gateway?.link ?? '', packet);
  }
}

function legAt(router: WantedRouter, networkId: string, address: string) {
  return router.interfaces.find(
    (leg) => leg.networkId === networkId && leg.addresses.some((one) => one.replace(/\/.*/, '') === address),
  );
}

/** The address itself where it is on the link, else where the plan's route leads. */
function nexthopOf({ steps, netns }: RouterPlan, link: string, address: string): string {
  const isNear = steps.some(
    (step) =>
      step.do === 'ensure-address' &&
      step.netns === netns &&
      step.link === link &&
      covers(readAddresses(step.address), readAddresses(address)),
  );
  if (isNear) return address;
  const ways = steps.flatMap((step) => {
    const to = step.do === 'ensure-route' ? readAddresses(step.to) : undefined;
    return step.do === 'ensure-route' && to && covers(to, readAddresses(address))
      ? [{ to, via: step.via }]
      : [];
  });
  const size = ({ to }: (typeof ways)[number]) => to.last - to.first;
  return (
    ways.reduce((best, way) => (size(way) < size(best) ? way : best), ways[0] ?? assert.fail('no way')).via ??
    ''
  );
}

function numberOf({ protocol, to }: Packet): number {
  return { tcp: 6, udp: 17, icmp: to.includes(':') ? 58 : 1 }[protocol];
}

function portOf({ protocol, port, to }: Packet): number {
  if (protocol !== 'icmp') return port;
  return to.includes(':') ? 128 : 8;
}
