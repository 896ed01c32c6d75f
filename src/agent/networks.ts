/**
 * The networks wanted on this host: kept in memory, converged through the dataplane, their ports reported.
 *
 * The server is asked for all of them at the start and from time to time, and for the named ones at a wake. What is
 * not in the answer is not wanted any more: `letGo` removes what uses it (Docker's network), then the dataplane removes
 * the rest. The dataplane takes turns per network and reads what is wanted in its turn, so that an older answer
 * never overwrites a newer one; a network that fails is tried again at the next pass and hinders no other.
 */
import type { Log } from '../base/log.ts';
import { Reconciler } from '../base/reconciler.ts';
import type { Bus } from '../bus/bus.ts';
import { Failure } from '../model/failure.ts';
import { reportPorts, type WantedNetwork, type WantedPort, wantedNetworks } from '../wire/host-network.ts';
import type { HostDataplane } from './dataplane.ts';
import { Retrying } from './retrying.ts';

export interface NetworksOptions {
  readonly bus: Bus;
  readonly dataplane: HostDataplane;
  readonly log: Log;
  /** A full look at least this often. */
  readonly everyMs: number;
  /** Removes what else stands for a network that is no longer wanted; false = it is still needed. */
  readonly letGo: (networkId: string) => Promise<boolean>;
}

export interface Plug {
  readonly networkId: string;
  readonly portId: string;
  /** Docker's name for the attachment; new at every start of a container. */
  readonly endpointId: string;
}

type PortState = 'active' | 'down';

const server = { kind: 'server' } as const;

export class Networks {
  readonly #options: NetworksOptions;
  readonly #wanted = new Map<string, WantedNetwork>();
  /** No longer wanted, not yet removed. */
  readonly #unwanted = new Set<string>();
  readonly #loop: Reconciler;
  readonly #first = Promise.withResolvers<void>();
  #pending: Set<string> | 'all' = 'all';

  readonly #portSender: Retrying;
  /** What the server was told, or will be. */
  readonly #portStates = new Map<string, PortState>();
  readonly #portsDue = new Map<string, PortState>();
  /** Port → the endpoint that it was last plugged for. */
  readonly #plugged = new Map<string, string>();

  constructor(options: NetworksOptions) {
    this.#options = options;
    const { log, everyMs } = options;
    this.#loop = new Reconciler({ name: 'networks', log, everyMs, pass: () => this.#pass() });
    this.#portSender = new Retrying('port report', log, () => this.#sendPorts());
  }

  /** Resolves when the first full pass is over, well or not: what failed is tried again. */
  async start(): Promise<void> {
    this.#loop.wake();
    await this.#first.promise;
  }

  async stop(): Promise<void> {
    await this.#loop.stop();
    await this.#portSender.stop();
  }

  /** Empty = all. */
  wake(ids: readonly string[]): void {
    this.#note(ids);
    this.#loop.wake();
  }

  all(): readonly WantedNetwork[] {
    return [...this.#wanted.values()];
  }

  find(id: string): WantedNetwork | undefined {
    return this.#wanted.get(id);
  }

  /** As the server has it now. */
  async refresh(id: string): Promise<WantedNetwork | undefined> {
    const { networks } = await this.#options.bus.call(server, wantedNetworks, { ids: [id] });
    const network = networks.find((one) => one.id === id);
    if (network) this.#remember(network);
    return network;
  }

  /** The network with this port; asks the server when memory does not know the port yet. */
  async withPort(networkId: string, portId: string): Promise<WantedNetwork> {
    const hasPort = ({ ports }: WantedNetwork) => ports.some(({ id }) => id === portId);
    const known = this.#wanted.get(networkId);
    if (known && hasPort(known)) return known;
    const network = await this.refresh(networkId);
    if (network && hasPort(network)) return network;
    throw new Failure('port-not-found', `port ${portId} of network ${networkId} is not wanted on this host`);
  }

  async plug({ networkId, portId, endpointId }: Plug): Promise<{ readonly linkName: string }> {
    await this.withPort(networkId, portId);
    const plugged = await this.#options.dataplane.plug(this.#source(networkId), { portId, endpointId });
    this.#plugged.set(portId, endpointId);
    this.#sayPort(portId, 'active');
    return plugged;
  }

  /** Only if the port is still plugged for this endpoint. */
  async unplug({ portId, endpointId }: Omit<Plug, 'networkId'>): Promise<void> {
    await this.#options.dataplane.unplug({ portId, endpointId });
    const last = this.#plugged.get(portId);
    if (last !== undefined && last !== endpointId) return;
    this.#plugged.delete(portId);
    this.#sayPort(portId, 'down');
  }

  async #pass(): Promise<void> {
    const pending = this.#pending;
    this.#pending = new Set();
    // Woken by the clock: everything.
    const ids = pending === 'all' || pending.size === 0 ? undefined : [...pending];
    try {
      const { networks } = await this.#options.bus.call(server, wantedNetworks, ids ? { ids } : {});
      this.#sort(networks, ids ?? [...this.#wanted.keys()]);
      await this.#settle(networks, ids === undefined);
      if (!ids) await this.#lookAtPorts();
    } catch (error) {
      this.#note(ids ?? []);
      throw error;
    } finally {
      this.#first.resolve();
    }
  }

  #note(ids: readonly string[]): void {
    if (ids.length === 0) this.#pending = 'all';
    else if (this.#pending !== 'all') for (const id of ids) this.#pending.add(id);
  }

  #sort(networks: readonly WantedNetwork[], asked: readonly string[]): void {
    const named = new Set(networks.map(({ id }) => id));
    for (const network of networks) this.#remember(network);
    for (const id of asked) {
      if (named.has(id)) continue;
      this.#wanted.delete(id);
      this.#unwanted.add(id);
    }
  }

  #remember(network: WantedNetwork): void {
    this.#wanted.set(network.id, network);
    this.#unwanted.delete(network.id);
  }

  /** A full look trusts nothing that was applied before. */
  async #settle(networks: readonly WantedNetwork[], isFull: boolean): Promise<void> {
    const { dataplane, log } = this.#options;
    const settle = (what: string, id: string, work: Promise<void>) =>
      work.catch((error: unknown) => log.error({ network: id, error }, `network: ${what} failed`));
    await Promise.all([
      ...networks.map(({ id }) => {
        const source = this.#source(id);
        return settle('converge', id, isFull ? dataplane.repair(source) : dataplane.converge(source));
      }),
      ...[...this.#unwanted].map((id) => settle('remove', id, this.#remove(id))),
    ]);
  }

  async #remove(id: string): Promise<void> {
    if (!(await this.#options.letGo(id))) return;
    // The source says that it is not wanted, unless it is again by then.
    await this.#options.dataplane.converge(this.#source(id));
    this.#unwanted.delete(id);
  }

  #source(id: string) {
    return { id, read: async () => this.#wanted.get(id) };
  }

  /** What the kernel has, against what the server was told. */
  async #lookAtPorts(): Promise<void> {
    const active = new Set((await this.#options.dataplane.activePorts()).map(({ portId }) => portId));
    const ids = new Set(this.all().flatMap(({ ports }) => ports.filter(isPluggedHere).map(({ id }) => id)));
    for (const id of this.#portStates.keys()) if (!ids.has(id)) this.#portStates.delete(id);
    for (const id of ids) this.#sayPort(id, active.has(id) ? 'active' : 'down');
  }

  #sayPort(id: string, state: PortState): void {
    if (this.#portStates.get(id) === state) return;
    this.#portStates.set(id, state);
    this.#portsDue.set(id, state);
    this.#portSender.poke();
  }

  async #sendPorts(): Promise<void> {
    const sent = [...this.#portsDue];
    if (sent.length === 0) return;
    const idsOf = (wanted: PortState) => sent.flatMap(([id, state]) => (state === wanted ? [id] : []));
    await this.#options.bus.call(server, reportPorts, { active: idsOf('active'), down: idsOf('down') });
    for (const [id, state] of sent) if (this.#portsDue.get(id) === state) this.#portsDue.delete(id);
  }
}

/** Ports of routers are made by the dataplane itself, not plugged. */
function isPluggedHere({ deviceOwner }: WantedPort): boolean {
  return !deviceOwner.startsWith('network:');
}
