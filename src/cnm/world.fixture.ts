/** A controller on a kernel in memory, with a driver that makes links there and can be told to fail. */
import { silentLog } from '../base/log.ts';
import { FakeKernel } from '../host/fake.ts';
import type { CnmEndpoint, CnmNetwork } from '../model/cnm.ts';
import { Controller } from './controller.ts';
import type { Driver } from './driver.ts';
import { hostDriver, nullDriver } from './drivers/null.ts';
import { DefaultIpam } from './ipam/default.ts';
import { nullIpam } from './ipam/null.ts';
import { MemoryStore } from './store.ts';

/** Counts its calls; the one with number `failAt` fails, before or after it did its work. */
export class Saboteur {
  failAt: number | undefined;
  calls = 0;

  step(what: string): void {
    this.calls += 1;
    if (this.calls === this.failAt) throw new Error(`broken on purpose at ${what}`);
  }
}

/** What the driver has made, besides links. */
export class LinkDriver implements Driver {
  readonly type = 'links';
  readonly made = new Set<string>();
  readonly published = new Map<string, number>();
  readonly #kernel: FakeKernel;
  readonly #saboteur: Saboteur;

  constructor(kernel: FakeKernel, saboteur: Saboteur) {
    this.#kernel = kernel;
    this.#saboteur = saboteur;
  }

  async capabilities() {
    return { scope: 'local', hasAddresses: true, isSingle: false } as const;
  }

  async createNetwork({ id }: CnmNetwork) {
    this.#saboteur.step('createNetwork');
    this.made.add(id);
    this.#saboteur.step('after createNetwork');
  }

  async restoreNetwork({ id }: CnmNetwork) {
    this.made.add(id);
  }

  async deleteNetwork({ id }: CnmNetwork) {
    this.made.delete(id);
  }

  async createEndpoint(_: CnmNetwork, endpoint: CnmEndpoint) {
    this.#saboteur.step('createEndpoint');
    this.made.add(endpoint.id);
    this.#saboteur.step('after createEndpoint');
    return endpoint.macAddress === null
      ? { macAddress: `02:42:${endpoint.id.slice(0, 8).match(/../g)?.join(':')}` }
      : {};
  }

  async deleteEndpoint(_: CnmNetwork, { id }: CnmEndpoint) {
    await this.#kernel.apply([{ do: 'delete-link', name: `h${id.slice(0, 11)}` }]);
    this.made.delete(id);
  }

  async join({ pools, internal }: CnmNetwork, { id }: CnmEndpoint) {
    this.#saboteur.step('join');
    const name = `i${id.slice(0, 11)}`;
    await this.#kernel.apply([{ do: 'ensure-veth', name: `h${id.slice(0, 11)}`, mtu: 1500, peer: { name } }]);
    this.#saboteur.step('after join');
    const gateway = (version: 4 | 6) =>
      internal ? null : (pools.find((pool) => pool.version === version)?.gateway?.split('/')[0] ?? null);
    return { link: { name, prefix: 'eth' }, gateway: gateway(4), gateway6: gateway(6), routes: [] };
  }

  async leave() {
    this.#saboteur.step('leave');
  }

  async program(_: CnmNetwork, { id, publish }: CnmEndpoint) {
    this.#saboteur.step('program');
    this.published.set(id, publish.length);
    return publish.map(({ hostAddress, hostPort, ...port }) => ({
      ...port,
      hostAddress: hostAddress ?? '0.0.0.0',
      hostPort: hostPort ?? 32_768,
    }));
  }

  async revoke(_: CnmNetwork, { id }: CnmEndpoint) {
    this.published.delete(id);
  }
}

export class CnmWorld {
  readonly kernel = new FakeKernel();
  readonly store = new MemoryStore();
  readonly saboteur = new Saboteur();
  readonly driver = new LinkDriver(this.kernel, this.saboteur);
  readonly hosts = new Map<string, string>();
  controller!: Controller;
  ipam!: DefaultIpam;

  static async open(): Promise<CnmWorld> {
    const world = new CnmWorld();
    await world.start();
    return world;
  }

  /** A new process on the same store and kernel. */
  async start(): Promise<void> {
    this.ipam = new DefaultIpam();
    this.controller = await Controller.open({
      store: this.store,
      kernel: this.kernel,
      log: silentLog(),
      drivers: () => [nullDriver, hostDriver, this.driver],
      ipams: [this.ipam, nullIpam],
      onHosts: async (sandbox, hosts) => {
        this.hosts.set(sandbox.name, hosts);
      },
    });
  }

  /** A network, an endpoint on it, and a sandbox that joined it. */
  async attach(name: string, networkId: string, priority?: number): Promise<CnmEndpoint> {
    const endpoint = await this.controller.createEndpoint(networkId, { name });
    const known = this.controller.sandboxes().find((sandbox) => sandbox.name === name);
    const sandbox = known ?? (await this.controller.createSandbox({ name }));
    return this.controller.join(endpoint.id, sandbox.id, priority);
  }

  /** Everything that stands anywhere. */
  async everything(): Promise<unknown> {
    return {
      kernel: this.kernel.leftovers(),
      driver: [...this.driver.made],
      published: [...this.driver.published],
      networks: await this.store.list('network'),
      endpoints: await this.store.list('endpoint'),
      sandboxes: await this.store.list('sandbox'),
    };
  }
}
