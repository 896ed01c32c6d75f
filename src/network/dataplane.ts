/**
 * The dataplane of this host: brings the kernel to the wanted networks, plugs and unplugs ports.
 *
 * One turn at a time per network; how a network is applied is ./applier's. What is wanted is read inside the turn
 * (`WantedSource`), so that an older answer never overwrites a newer one. Work that fails takes back what it made;
 * what stood before stays.
 *
 * Names are derived from ids, and every link says in its alias whose it is; nothing else is ever touched.
 * Contract and the packet's way: docs/guide/dataplane.md.
 */
import { KeyedQueue } from '../base/keyed-queue.ts';
import type { Log } from '../base/log.ts';
import { type Undo, undoable } from '../base/undo.ts';
import type { Kernel, KernelLink, KernelStep } from '../host/kernel.ts';
import { Failure } from '../model/failure.ts';
import {
  containerLink,
  doctorNamespace,
  limitLink,
  networkBridge,
  networkNamespace,
  portLink,
} from '../model/host-names.ts';
import type { WantedNetwork, WantedPort } from '../wire/host-network.ts';
import { Applier, type Extent, type Order } from './applier.ts';
import { type DefaultRoute, type ResolverWay, setDefaultRoutes, setResolverWays } from './default-routes.ts';
import { Doctor, type Finding, type Part } from './doctor/doctor.ts';
import { type Extras, extrasOf } from './extras.ts';
import { limitSteps, parseLimitAlias } from './plan/bandwidth.ts';
import { printRuleset } from './plan/changes.ts';
import { namespaceSteps, parsePortAlias, plugSteps } from './plan/namespace.ts';
import { planNetworkRuleset } from './plan/network-ruleset.ts';
import { isRouterLeg } from './plan/router.ts';
import { type Endpoint, type PluggedPort, PluggedPorts } from './plugged-ports.ts';
import { Routers } from './routers.ts';

export interface DataplaneOptions {
  readonly kernel: Kernel;
  /** First 4 digits of the installation's id: keeps two installations on one machine apart. */
  readonly instance: string;
  readonly log: Log;
  /** A link of the host that leads to the external network; absent or empty = the host itself is its gateway. */
  readonly externalInterface?: string;
  readonly names?: NetworkNames;
}

/** Answers for the names of networks, from within their namespaces. */
export interface NetworkNames {
  /** For the network as it is now. Idempotent. */
  serve(netns: string, network: WantedNetwork): Promise<void>;
  /** Lets go of the namespace. */
  close(netns: string): void;
}

/** A network, or how to ask for it once it is its turn; undefined = it is no longer wanted here. */
export type WantedSource =
  | WantedNetwork
  | { readonly id: string; readonly read: () => Promise<WantedNetwork | undefined> };

export class Dataplane {
  readonly #kernel: Kernel;
  readonly #instance: string;
  readonly #log: Log;
  readonly #names: NetworkNames | undefined;
  readonly #routers: Routers;
  readonly #doctor: Doctor;
  /** Keyed by namespace. */
  readonly #queue = new KeyedQueue();
  readonly #applier: Applier;
  readonly #plugged: PluggedPorts;

  constructor(options: DataplaneOptions) {
    this.#kernel = options.kernel;
    this.#instance = options.instance;
    this.#log = options.log;
    this.#names = options.names;
    this.#routers = new Routers(options);
    this.#applier = new Applier(options, this.#routers);
    this.#plugged = new PluggedPorts(options);
    this.#doctor = new Doctor(options);
  }

  /**
   * Makes the network on this host what is wanted: namespace, bridge, rules, routers. Host ends whose port is no
   * longer wanted here are removed; new ports wait for `plug`.
   */
  converge(wanted: WantedSource): Promise<void> {
    return this.#converge(wanted);
  }

  /** As `converge`, but applies everything anew, whatever was applied before. */
  repair(wanted: WantedSource): Promise<void> {
    return this.#converge(wanted, 'all');
  }

  /**
   * Gives the port a veth pair: the host end filtered and up on the network's bridge, the container's end (name
   * returned, MAC set, down) in the root namespace for its engine to take. Throws `port-not-found` when the
   * network has no such port on this host.
   */
  plug(wanted: WantedSource, endpoint: Endpoint): Promise<{ readonly linkName: string }> {
    return this.#turn(wanted, async (network, undo) => {
      const port = portOf(network, endpoint.portId);
      const netns = networkNamespace(this.#instance, network.id);
      undo.add('remove the veth pair', () => this.#kernel.apply(removePair(netns, port.id)));
      const { endpointId } = endpoint;
      const steps = plugSteps(this.#instance, network, { port, endpointId });
      await this.#apply(network, undo, { what: 'changes', steps });
      this.#plugged.remember({ portId: port.id, endpointId }, netns);
      this.#routers.welcome(network.id);
      return { linkName: containerLink(port.id) };
    }).then((result) => {
      if (result) return result;
      throw new Failure('port-not-found', `port ${endpoint.portId} is not wanted on this host`);
    });
  }

  /**
   * Removes the port's veth pair, wherever the container's end is. With `endpointId` only when the port is still
   * plugged for that endpoint. Nothing there is success.
   */
  async unplug(endpoint: { readonly portId: string; readonly endpointId?: string }): Promise<void> {
    const { portId, endpointId } = endpoint;
    for (const netns of await this.#plugged.namespacesOf(portId)) {
      await this.#queue.run(netns, async () => {
        const still = await this.#plugged.endpointOf(portId, netns);
        if (still === undefined || (endpointId !== undefined && still !== endpointId)) return;
        await this.#kernel.apply(removePair(netns, portId));
        this.#plugged.forget(portId);
      });
    }
  }

  /** All ports that are plugged on this host, read from the kernel: also after a restart of this process. */
  activePorts(): Promise<PluggedPort[]> {
    return this.#plugged.all();
  }

  /** Removes the network from this host, plugged ports included. */
  forget(networkId: string): Promise<void> {
    return this.#turn({ id: networkId, read: async () => undefined }, async () => undefined);
  }

  /**
   * Removes what is ours and wanted by nobody, left by an earlier process: neither on the given lists nor converged
   * by this one, which may know more than the lists by now. Returns the names of what was removed.
   */
  async sweep(networkIds: readonly string[], routerIds: readonly string[]): Promise<string[]> {
    const wanted = new Set(networkIds.map((id) => networkNamespace(this.#instance, id)));
    const unwanted: string[] = [];
    for (const netns of await this.#plugged.networkNamespaces()) {
      if (wanted.has(netns)) continue;
      await this.#queue.run(netns, async () => {
        if (this.#applier.last(netns)) return;
        await this.#removeNetwork(netns);
        unwanted.push(netns);
      });
    }
    await this.#queue.run(doctorNamespace(this.#instance), () => this.#doctor.sweep());
    const removed = [...unwanted, ...(await this.#routers.sweep(routerIds))];
    if (removed.length > 0) this.#log.info({ removed }, 'swept what nobody wants');
    return removed;
  }

  /**
   * How the kernel differs from what is wanted, in words; with `repair` also mended. Each network is examined in its
   * own turn, routers and the way out in theirs.
   */
  examine(wanted: readonly WantedSource[], repair: boolean): Promise<Finding[]> {
    // One at a time: the doctor has one namespace to try rules in.
    return this.#queue.run(doctorNamespace(this.#instance), async () => {
      const found: Finding[] = [];
      for (const source of wanted) {
        const visit = (network: WantedNetwork) => this.#doctor.visit(() => this.#partOf(network), repair);
        found.push(...((await this.#turn(source, visit)) ?? []));
      }
      return [...found, ...(await this.#routers.examine(this.#doctor, repair))];
    });
  }

  /** The port's host ports, and what the kernel lacks of them and of its limits; undefined = no such port here. */
  async extrasOf(networkId: string, portId: string): Promise<Extras | undefined> {
    const netns = networkNamespace(this.#instance, networkId);
    return this.#queue.run(netns, async () => {
      const network = this.#applier.last(netns);
      if (!network?.ports.some(({ id }) => id === portId)) return undefined;
      return extrasOf({ kernel: this.#kernel, instance: this.#instance }, network, portId);
    });
  }

  /** For a container's process: its namespace's default routes become these. */
  setDefaultRoutes(pid: number, routes: readonly DefaultRoute[]): Promise<void> {
    return setDefaultRoutes(this.#kernel, pid, routes);
  }

  /** On which links the container with this process finds a resolver. */
  setResolverWays(pid: number, ways: readonly ResolverWay[]): Promise<void> {
    return setResolverWays(this.#kernel, pid, ways);
  }

  /** Resolves when nothing is under way. */
  idle(): Promise<void> {
    return this.#queue.idle();
  }

  /** The network, and the host ends of the ports that are plugged. */
  async #partOf(network: WantedNetwork): Promise<Part> {
    const netns = networkNamespace(this.#instance, network.id);
    const generation = this.#applier.generationOf(netns);
    const isPresent = (await this.#kernel.namespaces()).includes(netns);
    const links = isPresent ? await this.#kernel.links(netns) : [];
    const plugged = network.ports.filter(({ id }) =>
      links.some(({ alias }) => parsePortAlias(this.#instance, alias)?.portId === id),
    );
    return {
      steps: [
        ...namespaceSteps(this.#instance, network),
        { do: 'nft', netns, script: printRuleset(planNetworkRuleset(network, generation)) },
        ...plugged.map(({ id }): KernelStep => {
          const is = { mtu: network.mtu, bridge: networkBridge, up: true };
          return { do: 'set-link', netns, name: portLink(id), ...is };
        }),
        ...limitSteps(this.#instance, { ...network, ports: plugged }, undefined),
      ],
    };
  }

  async #converge(wanted: WantedSource, what: Extent = 'changes'): Promise<void> {
    const netns = networkNamespace(this.#instance, wanted.id);
    await this.#turn(wanted, async (network, undo) => {
      const before = what === 'changes' ? this.#applier.last(netns) : undefined;
      await this.#apply(network, undo, { what, steps: [] });
      try {
        await (before ? this.#removePairs(before, network) : this.#removeStaleLinks(network));
      } catch (error) {
        // What is stale is no longer known: the next turn looks for it.
        this.#applier.forget(netns);
        throw error;
      }
    });
  }

  /** Of ports and routers' legs that the network had before and has no more. */
  async #removePairs(before: WantedNetwork, after: WantedNetwork): Promise<void> {
    if (before === after) return;
    const kept = new Set(portIdsOf(after));
    const gone = portIdsOf(before).filter((id) => !kept.has(id));
    const netns = networkNamespace(this.#instance, after.id);
    await this.#kernel.apply(gone.flatMap((id) => removePair(netns, id)));
    for (const id of gone) this.#plugged.forget(id);
  }

  #turn<T>(
    wanted: WantedSource,
    work: (network: WantedNetwork, undo: Undo) => Promise<T>,
  ): Promise<T | undefined> {
    const netns = networkNamespace(this.#instance, wanted.id);
    return this.#queue.run(netns, async () => {
      const network = 'read' in wanted ? await wanted.read() : wanted;
      if (network) {
        const result = await undoable(this.#log, (undo) => work(network, undo));
        await this.#serveNames(netns, network);
        return result;
      }
      await this.#routers.forget(wanted.id);
      await this.#removeNetwork(netns);
      return undefined;
    });
  }

  #apply(network: WantedNetwork, undo: Undo, how: Pick<Order, 'what' | 'steps'>): Promise<void> {
    const remove = (netns: string) => this.#removeNetwork(netns);
    const onAbsent = (netns: string) => this.#names?.close(netns);
    return this.#applier.apply({ network, ...how, onAbsent, remove }, undo);
  }

  /** A network without names is better than none; the next turn tries again. */
  async #serveNames(netns: string, network: WantedNetwork): Promise<void> {
    await this.#names?.serve(netns, network).catch((error: unknown) => {
      this.#log.error({ netns, error }, 'the network’s resolver cannot be started');
    });
  }

  async #removeStaleLinks(network: WantedNetwork): Promise<void> {
    const netns = networkNamespace(this.#instance, network.id);
    const wanted = new Set(portIdsOf(network).map(portLink));
    const links = await this.#kernel.links(netns);
    const isKept = ({ alias, name }: KernelLink) => {
      const limited = parseLimitAlias(this.#instance, alias);
      if (limited === undefined) return wanted.has(name);
      return wanted.has(portLink(limited)) && links.some((link) => link.name === portLink(limited));
    };
    const isOurs = (link: KernelLink) =>
      isRouterLeg(this.#instance, link) ||
      parsePortAlias(this.#instance, link.alias) ||
      parseLimitAlias(this.#instance, link.alias);
    const stale = links.filter((link) => !isKept(link) && isOurs(link));
    await this.#kernel.apply(stale.map(({ name }) => ({ do: 'delete-link', netns, name })));
  }

  /** Links first: their far ends then go at once, while the kernel takes its time with a namespace. */
  async #removeNetwork(netns: string): Promise<void> {
    this.#applier.forget(netns);
    this.#names?.close(netns);
    if (!(await this.#kernel.namespaces()).includes(netns)) return;
    const links = (await this.#kernel.links(netns)).filter(({ kind }) => kind === 'veth');
    await this.#kernel.apply([
      ...links.map(({ name }): KernelStep => ({ do: 'delete-link', netns, name })),
      { do: 'delete-netns', name: netns },
    ]);
  }
}

/** Of its ports, and of the legs of its routers. */
function portIdsOf({ ports, routers }: WantedNetwork): string[] {
  const legs = routers.flatMap(({ interfaces }) => interfaces.map(({ portId }) => portId));
  return [...legs, ...ports.map(({ id }) => id)];
}

function portOf(network: WantedNetwork, portId: string): WantedPort {
  const port = network.ports.find(({ id }) => id === portId);
  if (port) return port;
  throw new Failure('port-not-found', `network ${network.id} has no port ${portId} on this host`);
}

/** Deleting one end deletes both, wherever the other is. */
function removePair(netns: string, portId: string): KernelStep[] {
  return [portLink(portId), limitLink(portId)].map((name) => ({ do: 'delete-link', netns, name }));
}
