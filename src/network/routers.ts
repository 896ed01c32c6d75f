/**
 * Applies routers and the host's external bridge.
 *
 * All of it is one queue: routers share networks, the bridge and the root namespace's rules. Called from within a
 * network's own turn, and never the other way round.
 *
 * Each network tells of all its routers, legs on other networks included. A router is what was told of it last: a
 * network's turn is news only where its word differs from what the same network said before, so that a network
 * that merely repeats itself never undoes what another one knows better. Legs are made on those networks that are
 * here. What was applied is remembered, and only what differs is applied; after a failure, at the first turn after a
 * restart and at each full look everything of a router is made anew, once for all networks that share it.
 */
import { KeyedQueue } from '../base/keyed-queue.ts';
import type { Log } from '../base/log.ts';
import type { Undo } from '../base/undo.ts';
import type { Kernel, KernelStep } from '../host/kernel.ts';
import {
  externalBridge,
  gatewayLink,
  namespacePrefix,
  networkNamespace,
  routerNamespace,
} from '../model/host-names.ts';
import type { WantedNetwork, WantedRouter } from '../wire/host-network.ts';
import { Advertiser } from './advertiser.ts';
import type { Doctor, Finding } from './doctor/doctor.ts';
import { External, type ExternalOptions } from './external.ts';
import { type NetworksHere, planRouter, type RouterPlan } from './plan/router.ts';
import {
  advertiseSteps,
  allSteps,
  changeSteps,
  namespaceSteps,
  type RouterState,
  renewSteps,
} from './plan/router-change.ts';
import { renewRuleset } from './renewal.ts';

/** Why routers are looked at: something changed, a full look, or what stood there cannot be trusted. */
export type Reason = 'change' | 'look' | 'doubt';

interface Told {
  readonly mtu: number;
  /** Router → its text. */
  readonly routers: ReadonlyMap<string, string>;
}

const nothingTold: Told = { mtu: 0, routers: new Map() };

export class Routers {
  readonly #kernel: Kernel;
  readonly #instance: string;
  readonly #log: Log;
  readonly #external: External;
  readonly #queue = new KeyedQueue();
  readonly #told = new Map<string, Told>();
  readonly #latest = new Map<string, WantedRouter>();
  readonly #applied = new Map<string, RouterPlan>();
  /** Router → the networks whose full looks its last renewal stands for. */
  readonly #lookedAt = new Map<string, Set<string>>();
  readonly #advertiser: Advertiser;

  constructor(options: ExternalOptions) {
    this.#kernel = options.kernel;
    this.#instance = options.instance;
    this.#log = options.log;
    this.#external = new External(options);
    this.#advertiser = new Advertiser((id) => this.#advertise(id), options.log);
  }

  /** Brings the network's routers, their legs on it and their gateways to what is wanted. */
  converge(network: WantedNetwork, undo: Undo, reason: Reason): Promise<void> {
    if (network.routers.length === 0 && !this.#told.get(network.id)?.routers.size) {
      this.#told.set(network.id, { mtu: network.mtu, routers: new Map() });
      return Promise.resolve();
    }
    return this.#inTurn(async () => {
      const before = this.#told.get(network.id);
      undo.add(`take back the routers of ${network.id}`, () => this.#takeBack(network.id, before));
      await this.#settle(this.#learn(network), network.id, reason);
    });
  }

  /** A port was plugged: it will want to know its routers. */
  welcome(networkId: string): void {
    if (this.#advertisementsOn(networkId).length > 0) this.#advertiser.welcome(networkId);
  }

  /** The network is no longer on this host: its routers go, unless another network here has them too. */
  async forget(networkId: string): Promise<void> {
    this.#advertiser.stop(networkId);
    const told = this.#told.get(networkId);
    if (!told?.routers.size) this.#told.delete(networkId);
    else await this.#inTurn(() => this.#takeBack(networkId, undefined));
  }

  /** Removes the routers that nobody wants, and the way out when no router uses it. Returns what was removed. */
  sweep(alsoWanted: readonly string[]): Promise<string[]> {
    return this.#inTurn(async () => {
      const wantedIds = [...alsoWanted, ...this.#latest.keys()];
      const wanted = new Set(wantedIds.map((id) => routerNamespace(this.#instance, id)));
      const prefix = `${namespacePrefix(this.#instance)}r`;
      const present = (await this.#kernel.namespaces()).filter((name) => name.startsWith(prefix));
      const unwanted = present.filter((name) => !wanted.has(name));
      for (const netns of unwanted) await this.#removeNamespace(netns);
      const links = await this.#kernel.links();
      const bridge = externalBridge(this.#instance);
      const wantedGateways = new Set(wantedIds.map(gatewayLink));
      const isUsed = links.some((link) => link.bridge === bridge && wantedGateways.has(link.name));
      if (isUsed && alsoWanted.every((id) => this.#latest.has(id))) await this.#external.sweep();
      if (isUsed || !links.some((link) => link.name === bridge)) return unwanted;
      await this.#external.remove();
      return [...unwanted, bridge];
    });
  }

  /** The routers and the way out as they should be, one after the other, in their turn. */
  examine(doctor: Doctor, repair: boolean): Promise<Finding[]> {
    return this.#inTurn(async () => {
      const found = await doctor.visit(() => this.#external.part(), repair);
      for (const router of this.#latest.values()) {
        const plan = planRouter(this.#instance, router, await this.#networksHere());
        const part = async () => ({ steps: allSteps(plan) });
        found.push(...(await doctor.visit(part, repair)));
      }
      return found;
    });
  }

  #advertisementsOn(networkId: string): KernelStep[] {
    return [...this.#applied.values()].flatMap((plan) => {
      const here = plan.advertisements.filter((one) => one.networkId === networkId);
      return advertiseSteps({ ...plan, advertisements: here });
    });
  }

  #advertise(networkId: string): Promise<void> {
    return this.#inTurn(() => this.#kernel.apply(this.#advertisementsOn(networkId)));
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    return this.#queue.run('routers', work);
  }

  /** Notes what the network says; returns its routers, and those that it has no more. */
  #learn({ id, mtu, routers }: Pick<WantedNetwork, 'id' | 'mtu' | 'routers'>): Set<string> {
    const before = this.#told.get(id)?.routers ?? nothingTold.routers;
    const texts = new Map(routers.map((router) => [router.id, JSON.stringify(router)]));
    this.#told.set(id, { mtu, routers: texts });
    for (const router of routers) {
      const isNews = before.get(router.id) !== texts.get(router.id) || !this.#latest.has(router.id);
      if (isNews) this.#latest.set(router.id, router);
    }
    for (const routerId of before.keys()) if (!texts.has(routerId)) this.#withoutLegs(routerId, id);
    return new Set([...before.keys(), ...texts.keys()]);
  }

  #withoutLegs(routerId: string, networkId: string): void {
    const router = this.#latest.get(routerId);
    if (!router) return;
    const isTold = [...this.#told.values()].some(({ routers }) => routers.has(routerId));
    if (!isTold) this.#latest.delete(routerId);
    else {
      const interfaces = router.interfaces.filter((leg) => leg.networkId !== networkId);
      this.#latest.set(routerId, { ...router, interfaces });
    }
  }

  async #settle(routerIds: ReadonlySet<string>, networkId: string, reason: Reason): Promise<void> {
    const due = new Map([...routerIds].map((id) => [id, this.#isDue(id, networkId, reason)]));
    const isRenewal = [...due].some(([id, isAnew]) => isAnew && this.#latest.get(id)?.gateway);
    await this.#external.ensure([...this.#latest.values()], isRenewal ? 'anew' : 'as remembered');
    const here = await this.#networksHere();
    for (const [id, isAnew] of due) {
      const router = this.#latest.get(id);
      if (router) await this.#apply(router, here, isAnew);
      else await this.#remove(id);
    }
  }

  /** A full look of one network renews a router for all networks that have it: each counts once. */
  #isDue(routerId: string, networkId: string, reason: Reason): boolean {
    const covered = this.#lookedAt.get(routerId);
    const isAnew =
      reason === 'doubt' || !this.#applied.has(routerId) || (reason === 'look' && covered?.has(networkId));
    if (isAnew || !covered) this.#lookedAt.set(routerId, new Set([networkId]));
    else covered.add(networkId);
    return Boolean(isAnew);
  }

  async #networksHere(): Promise<NetworksHere> {
    const present = new Set(await this.#kernel.namespaces());
    return new Map([...this.#told].filter(([id]) => present.has(networkNamespace(this.#instance, id))));
  }

  async #apply(router: WantedRouter, here: NetworksHere, isAnew: boolean): Promise<void> {
    const before = this.#applied.get(router.id);
    const plan = planRouter(this.#instance, router, here);
    this.#applied.delete(router.id);
    if (before && !isAnew) {
      try {
        await this.#kernel.apply(changeSteps(before, plan));
        this.#applied.set(router.id, plan);
        return;
      } catch (error) {
        this.#log.warn({ router: router.id, error }, 'a change failed: applying the whole router anew');
      }
    }
    await this.#renew(before, plan);
    this.#applied.set(router.id, plan);
  }

  async #renew(before: RouterPlan | undefined, after: RouterPlan): Promise<void> {
    const { netns, ruleset } = after;
    const state = await this.#read(netns);
    await this.#kernel.apply(namespaceSteps(netns));
    const rules = { netns, before: state && before?.ruleset, after: ruleset };
    await renewRuleset(this.#kernel, this.#log, rules);
    await this.#kernel.apply(renewSteps(before, after, state));
  }

  async #read(netns: string): Promise<RouterState | undefined> {
    if (!(await this.#kernel.namespaces()).includes(netns)) return undefined;
    const [links, addresses, routes] = await Promise.all([
      this.#kernel.links(netns),
      this.#kernel.addresses(netns),
      this.#kernel.routes(netns),
    ]);
    return { links, addresses, routes };
  }

  /** Routers that the network has not named before lose their legs on it; those that only it knows go. */
  async #takeBack(networkId: string, before: Told | undefined): Promise<void> {
    const now = this.#told.get(networkId)?.routers ?? nothingTold.routers;
    const added = [...now.keys()].filter((id) => !before?.routers.has(id));
    if (before) this.#told.set(networkId, before);
    else this.#told.delete(networkId);
    for (const id of added) this.#withoutLegs(id, networkId);
    await this.#settle(new Set(added), networkId, 'change');
  }

  async #remove(routerId: string): Promise<void> {
    this.#applied.delete(routerId);
    this.#lookedAt.delete(routerId);
    await this.#removeNamespace(routerNamespace(this.#instance, routerId));
    await this.#kernel.apply([{ do: 'delete-link', name: gatewayLink(routerId) }]);
  }

  /** The far ends of its links go at once; the kernel may take its time with the namespace. */
  async #removeNamespace(netns: string): Promise<void> {
    if (!(await this.#kernel.namespaces()).includes(netns)) return;
    const links = await this.#kernel.links(netns);
    await this.#kernel.apply([
      ...links
        .filter(({ kind }) => kind === 'veth')
        .map(({ name }): KernelStep => ({ do: 'delete-link', netns, name })),
      { do: 'delete-netns', name: netns },
    ]);
  }
}
