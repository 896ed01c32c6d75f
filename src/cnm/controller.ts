/**
 * The Container Network Model's controller: the one door to networks, endpoints and sandboxes.
 *
 * `open` reads the records, tells IPAM drivers that forget what they had given out, finishes what a crash left half done,
 * and puts sandboxes back that the machine lost. One controller at a time per store.
 */
import { KeyedQueue } from '../base/keyed-queue.ts';
import type { Log } from '../base/log.ts';
import type { Kernel } from '../host/kernel.ts';
import type {
  CnmEndpoint,
  CnmEndpointDraft,
  CnmNetwork,
  CnmNetworkDraft,
  CnmSandbox,
  CnmSandboxDraft,
} from '../model/cnm.ts';
import { Book } from './book.ts';
import { type Context, Finder } from './context.ts';
import type { CnmView, Driver } from './driver.ts';
import { Endpoints } from './endpoints.ts';
import { hostsFile } from './hosts-file.ts';
import type { Ipam } from './ipam.ts';
import { Networks } from './networks.ts';
import { recover } from './recovery.ts';
import { Sandboxes } from './sandboxes.ts';
import type { CnmStore } from './store.ts';

export interface ControllerOptions {
  readonly store: CnmStore;
  readonly kernel: Kernel;
  readonly log: Log;
  readonly now?: () => Date;
  /** Given the records, which are there from the beginning of the recovery on. */
  readonly drivers: (records: CnmView) => readonly Driver[];
  readonly ipams: readonly Ipam[];
  /** Drivers of other makers, by name. */
  readonly plugins?: {
    readonly driver: (name: string) => Promise<Driver | undefined>;
    readonly ipam: (name: string) => Promise<Ipam | undefined>;
  };
  /** Told the names inside a sandbox whenever they change. */
  readonly onHosts?: (sandbox: CnmSandbox, hosts: string) => Promise<void>;
  /** Told when a sandbox is gone. */
  readonly onGone?: (sandbox: CnmSandbox) => Promise<void>;
}

export class Controller {
  readonly #context: Context;
  readonly #networks: Networks;
  readonly #endpoints: Endpoints;
  readonly #sandboxes: Sandboxes;
  readonly #onHosts: NonNullable<ControllerOptions['onHosts']>;
  readonly #onGone: NonNullable<ControllerOptions['onGone']>;

  private constructor(context: Context, { onHosts, onGone }: ControllerOptions) {
    this.#context = context;
    this.#onHosts = onHosts ?? (async () => undefined);
    this.#onGone = onGone ?? (async () => undefined);
    this.#networks = new Networks(context);
    this.#endpoints = new Endpoints(context);
    this.#sandboxes = new Sandboxes(context, this.#endpoints, (ids) => this.#tellNames(ids));
  }

  static async open(options: ControllerOptions): Promise<Controller> {
    const { store, kernel, log, now = () => new Date(), plugins } = options;
    const none = async () => undefined;
    const networks = await Book.open(store, 'network');
    const endpoints = await Book.open(store, 'endpoint');
    const drivers = options.drivers({ networks: () => networks.all(), endpoints: () => endpoints.all() });
    const context: Context = {
      kernel,
      log,
      now,
      networks,
      endpoints,
      sandboxes: await Book.open(store, 'sandbox'),
      drivers: new Finder(
        'network driver',
        new Map(drivers.map((one) => [one.type, one])),
        plugins?.driver ?? none,
      ),
      ipams: new Finder(
        'IPAM driver',
        new Map(options.ipams.map((one) => [one.name, one])),
        plugins?.ipam ?? none,
      ),
      inTurn: new KeyedQueue(),
    };
    const controller = new Controller(context, options);
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

  createNetwork(draft: CnmNetworkDraft): Promise<CnmNetwork> {
    return this.#networks.create(draft);
  }

  deleteNetwork(id: string): Promise<void> {
    return this.#networks.delete(id);
  }

  createEndpoint(networkId: string, draft: CnmEndpointDraft): Promise<CnmEndpoint> {
    return this.#endpoints.create(networkId, draft);
  }

  deleteEndpoint(id: string): Promise<void> {
    return this.#endpoints.delete(id);
  }

  async createSandbox(draft: CnmSandboxDraft): Promise<CnmSandbox> {
    const sandbox = await this.#sandboxes.create(draft);
    await this.#tell(sandbox, hostsFile(sandbox, [], []));
    return sandbox;
  }

  async deleteSandbox(id: string): Promise<void> {
    const networkIds = this.#sandboxes.endpointsOf(id).map(({ networkId }) => networkId);
    const sandbox = this.#context.sandboxes.get(id);
    await this.#sandboxes.delete(id);
    await this.#onGone(sandbox);
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
      await this.#tell(sandbox, hostsFile(sandbox, joined, others));
    }
  }

  /** What was made stands, whether names could be told or not. */
  async #tell(sandbox: CnmSandbox, hosts: string): Promise<void> {
    await this.#onHosts(sandbox, hosts).catch((error: unknown) =>
      this.#context.log.error(
        { sandbox: sandbox.id, error },
        'the names inside a sandbox could not be written',
      ),
    );
  }
}
