/**
 * The Container Network Model's controller: the one door to networks, endpoints and sandboxes.
 *
 * `open` reads the records, tells IPAM drivers that forget what they had given out, finishes what a crash left half done,
 * and puts sandboxes back that the machine lost. One controller at a time per store.
 */
import { KeyedQueue } from '../base/keyed-queue.ts';
import type { Log } from '../base/log.ts';
import type { Kernel } from '../host/kernel.ts';
import type { CnmEndpoint, CnmNetwork, CnmSandbox } from '../model/cnm.ts';
import { Book } from './book.ts';
import { type Context, Finder } from './context.ts';
import type { Driver } from './driver.ts';
import { type EndpointDraft, Endpoints } from './endpoints.ts';
import { hostsFile } from './hosts-file.ts';
import type { Ipam } from './ipam.ts';
import { type NetworkDraft, Networks } from './networks.ts';
import { recover } from './recovery.ts';
import { type SandboxDraft, Sandboxes } from './sandboxes.ts';
import type { CnmStore } from './store.ts';

export interface ControllerOptions {
  readonly store: CnmStore;
  readonly kernel: Kernel;
  readonly log: Log;
  readonly now?: () => Date;
  readonly drivers: readonly Driver[];
  readonly ipams: readonly Ipam[];
  /** Drivers of other makers, by name. */
  readonly plugins?: {
    readonly driver: (name: string) => Promise<Driver | undefined>;
    readonly ipam: (name: string) => Promise<Ipam | undefined>;
  };
  /** Told the names inside a sandbox whenever they change. */
  readonly onHosts?: (sandbox: CnmSandbox, hosts: string) => Promise<void>;
}

export class Controller {
  readonly #context: Context;
  readonly #networks: Networks;
  readonly #endpoints: Endpoints;
  readonly #sandboxes: Sandboxes;
  readonly #onHosts: NonNullable<ControllerOptions['onHosts']>;

  private constructor(context: Context, onHosts: ControllerOptions['onHosts']) {
    this.#context = context;
    this.#onHosts = onHosts ?? (async () => undefined);
    this.#networks = new Networks(context);
    this.#endpoints = new Endpoints(context);
    this.#sandboxes = new Sandboxes(context, this.#endpoints, (ids) => this.#tellNames(ids));
  }

  static async open(options: ControllerOptions): Promise<Controller> {
    const { store, kernel, log, now = () => new Date(), plugins } = options;
    const none = async () => undefined;
    const context: Context = {
      kernel,
      log,
      now,
      networks: await Book.open(store, 'network'),
      endpoints: await Book.open(store, 'endpoint'),
      sandboxes: await Book.open(store, 'sandbox'),
      drivers: new Finder(
        'network driver',
        new Map(options.drivers.map((one) => [one.type, one])),
        plugins?.driver ?? none,
      ),
      ipams: new Finder(
        'IPAM driver',
        new Map(options.ipams.map((one) => [one.name, one])),
        plugins?.ipam ?? none,
      ),
      inTurn: new KeyedQueue(),
    };
    const controller = new Controller(context, options.onHosts);
    await recover(context, {
      networks: controller.#networks,
      endpoints: controller.#endpoints,
      sandboxes: controller.#sandboxes,
    });
    await controller.#tellNames(context.networks.all().map(({ id }) => id));
    return controller;
  }

  networks(): readonly CnmNetwork[] {
    return this.#context.networks.all();
  }

  endpoints(): readonly CnmEndpoint[] {
    return this.#context.endpoints.all();
  }

  sandboxes(): readonly CnmSandbox[] {
    return this.#context.sandboxes.all();
  }

  /** By id, name, or the beginning of an id. */
  findNetwork(word: string): CnmNetwork {
    return this.#context.networks.find(word);
  }

  findEndpoint(word: string, networkId?: string): CnmEndpoint {
    return this.#context.endpoints.find(
      word,
      (one) => networkId === undefined || one.networkId === networkId,
    );
  }

  findSandbox(word: string): CnmSandbox {
    return this.#context.sandboxes.find(word);
  }

  createNetwork(draft: NetworkDraft): Promise<CnmNetwork> {
    return this.#networks.create(draft);
  }

  deleteNetwork(id: string): Promise<void> {
    return this.#networks.delete(id);
  }

  createEndpoint(networkId: string, draft: EndpointDraft): Promise<CnmEndpoint> {
    return this.#endpoints.create(networkId, draft);
  }

  deleteEndpoint(id: string): Promise<void> {
    return this.#endpoints.delete(id);
  }

  createSandbox(draft: SandboxDraft): Promise<CnmSandbox> {
    return this.#sandboxes.create(draft);
  }

  async deleteSandbox(id: string): Promise<void> {
    const networkIds = this.#sandboxes.endpointsOf(id).map(({ networkId }) => networkId);
    await this.#sandboxes.delete(id);
    await this.#tellNames(networkIds);
  }

  /** `priority`: the higher goes first at the election of the sandbox's gateway. */
  join(endpointId: string, sandboxId: string, priority?: number): Promise<CnmEndpoint> {
    return this.#sandboxes.join(endpointId, sandboxId, priority);
  }

  leave(endpointId: string, sandboxId: string): Promise<void> {
    return this.#sandboxes.leave(endpointId, sandboxId);
  }

  async #tellNames(networkIds: readonly string[]): Promise<void> {
    const { sandboxes, networks, endpoints } = this.#context;
    for (const sandbox of sandboxes.all()) {
      const own = this.#sandboxes.endpointsOf(sandbox.id);
      if (!own.some(({ networkId }) => networkIds.includes(networkId)) && own.length > 0) continue;
      const joined = own.map((endpoint) => ({ endpoint, network: networks.get(endpoint.networkId) }));
      const others = endpoints.all().filter((one) => one.sandboxId !== sandbox.id);
      await this.#onHosts(sandbox, hostsFile(sandbox, joined, others));
    }
  }
}
