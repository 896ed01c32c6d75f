/**
 * The networks wanted on this host: kept in memory, converged through the dataplane, their ports reported.
 *
 * The server is asked for all of them at the start and from time to time, and for the named ones at a wake. What is
 * not in the answer is not wanted any more: `onUnwanted` lets go of it first (Docker's network), then the dataplane
 * forgets it. One queue per network; a network that fails to converge is tried again at the next pass and hinders
 * no other.
 */

import { KeyedQueue } from '../base/keyed-queue.ts';
import type { Log } from '../base/log.ts';
import { Reconciler } from '../base/reconciler.ts';
import type { Bus } from '../bus/bus.ts';
import { Failure } from '../model/failure.ts';
import { reportPorts, type WantedNetwork, type WantedPort, wantedNetworks } from '../wire/host-network.ts';
import type { HostDataplane, PlugRequest } from './dataplane.ts';
import { Retrying } from './retrying.ts';

export interface NetworksOptions {
  readonly bus: Bus;
  readonly dataplane: HostDataplane;
  readonly log: Log;
  /** A full look at least this often. */
  readonly everyMs: number;
  /** Lets go of a network that the server no longer wants here; throws when it is still in use. */
  readonly onUnwanted: (networkId: string) => Promise<void>;
}

type PortState = 'active' | 'down';

export class Networks {
  readonly #options: NetworksOptions;
  readonly #wanted = new Map<string, WantedNetwork>();
  readonly #unwanted = new Set<string>();
  readonly #converged = new Set<string>();
  readonly #queue = new KeyedQueue();
  readonly #loop: Reconciler;
  readonly #portSender: Retrying;
  readonly #portStates = new Map<string, PortState>();
  readonly #portsDue = new Map<string, PortState>();
  readonly #first = Promise.withResolvers<void>();
  #pending: Set<string> | 'all' = 'all';

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
    await this.#queue.idle();
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

  /** From memory, or else from the server. Throws `network-not-found`. */
  async get(id: string): Promise<WantedNetwork> {
    const network = this.#wanted.get(id) ?? (await this.refresh(id));
    if (!network) throw new Failure('network-not-found', `network ${id} is not wanted on this host`);
    return network;
  }

  /** As the server has it now. */
  async refresh(id: string): Promise<WantedNetwork | undefined> {
    const { networks } = await this.#options.bus.call({ kind: 'server' }, wantedNetworks, { ids: [id] });
    const network = networks.find((one) => one.id === id);
    if (network) this.#remember(network);
    return network;
  }

  /** The network with this port; asks the server when memory does not know the port yet. */
  async withPort(networkId: string, portId: string): Promise<WantedNetwork> {
    const isOf = ({ ports }: WantedNetwork) => ports.some(({ id }) => id === portId);
    const known = this.#wanted.get(networkId);
    if (known && isOf(known)) return known;
    const network = await this.refresh(networkId);
    if (network && isOf(network)) return network;
    throw new Failure('port-not-found', `port ${portId} of network ${networkId} is not wanted on this host`);
  }

  async plug(networkId: string, request: PlugRequest): Promise<{ readonly linkName: string }> {
    const network = await this.withPort(networkId, request.portId);
    return this.#queue.run(networkId, async () => {
      const latest = this.#wanted.get(networkId) ?? network;
      if (!this.#converged.has(networkId)) await this.#converge(latest);
      const plugged = await this.#options.dataplane.plug(latest, request);
      this.#sayPort(request.portId, 'active');
      return plugged;
    });
  }

  async unplug(networkId: string | undefined, request: PlugRequest): Promise<void> {
    await this.#queue.run(networkId ?? '', async () => {
      await this.#options.dataplane.unplug(request);
      this.#sayPort(request.portId, 'down');
    });
  }

  async #pass(): Promise<void> {
    const pending = this.#pending;
    this.#pending = new Set();
    // Woken by the clock: everything.
    const ids = pending === 'all' || pending.size === 0 ? undefined : [...pending];
    try {
      const request = ids ? { ids } : {};
      const { networks } = await this.#options.bus.call({ kind: 'server' }, wantedNetworks, request);
      this.#sort(networks, ids ?? [...this.#wanted.keys()]);
      await this.#settle(ids ? networks : this.all());
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
      this.#converged.delete(id);
      this.#unwanted.add(id);
    }
  }

  #remember(network: WantedNetwork): void {
    this.#wanted.set(network.id, network);
    this.#unwanted.delete(network.id);
  }

  async #settle(networks: readonly WantedNetwork[]): Promise<void> {
    const settle = (what: string, id: string, work: () => Promise<void>) =>
      work().catch((error: unknown) => {
        this.#options.log.error({ network: id, error }, `network: ${what} failed`);
      });
    await Promise.all([
      ...networks.map(({ id }) => settle('converge', id, () => this.#convergeNow(id))),
      ...[...this.#unwanted].map((id) => settle('forget', id, () => this.#forget(id))),
    ]);
  }

  /** The latest that is known when its turn comes. */
  #convergeNow(id: string): Promise<void> {
    return this.#queue.run(id, async () => {
      const network = this.#wanted.get(id);
      if (network) await this.#converge(network);
    });
  }

  async #converge(network: WantedNetwork): Promise<void> {
    await this.#options.dataplane.converge(network);
    this.#converged.add(network.id);
  }

  /**
   * Docker's network goes outside the queue: dockerd may be waiting for an `unplug` of the same network, and makes
   * the removal wait for it.
   */
  async #forget(id: string): Promise<void> {
    await this.#options.onUnwanted(id);
    await this.#queue.run(id, async () => {
      if (this.#wanted.has(id)) return;
      await this.#options.dataplane.forget(id);
      this.#unwanted.delete(id);
    });
  }

  /** What the kernel has, against what the server was told. */
  async #lookAtPorts(): Promise<void> {
    const active = new Set(await this.#options.dataplane.activePorts());
    const wanted = this.all().flatMap(({ ports }) => ports.filter(isPluggedHere));
    const ids = new Set(wanted.map(({ id }) => id));
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
    const of = (wanted: PortState) => sent.flatMap(([id, state]) => (state === wanted ? [id] : []));
    await this.#options.bus.call({ kind: 'server' }, reportPorts, { active: of('active'), down: of('down') });
    for (const [id, state] of sent) if (this.#portsDue.get(id) === state) this.#portsDue.delete(id);
  }
}

/** Ports of routers are made by `converge`, not plugged. */
function isPluggedHere({ deviceOwner }: WantedPort): boolean {
  return !deviceOwner.startsWith('network:');
}
