/**
 * The CNI service of a host in this process: the embedded network service, the dataplane in the kernel, sandboxes as a
 * runtime makes them. Call after `enterPrivateNetwork`, once per test file; after each test nothing may be left.
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before } from 'node:test';
import { createCniBackend } from '../../src/agent/cni-backend.ts';
import { busNetworkService } from '../../src/agent/network-service.ts';
import { Networks } from '../../src/agent/networks.ts';
import { systemClock } from '../../src/base/clock.ts';
import { loadConfig } from '../../src/base/config.ts';
import { silentLog } from '../../src/base/log.ts';
import { Switchboard } from '../../src/bus/in-process.ts';
import { createNetworkControl, type NetworkControl } from '../../src/control/network/network-control.ts';
import type { Kernel } from '../../src/host/kernel.ts';
import { openKernel } from '../../src/host/linux.ts';
import { Dataplane } from '../../src/network/dataplane.ts';
import type { CniBackend } from '../../src/plugins/cni/backend.ts';
import { type CniService, startCniService } from '../../src/plugins/cni/service.ts';
import { type Db, openDatabase } from '../../src/store/database.ts';
import type { NetworkService } from '../../src/wire/network-service.ts';
import type { CniList, Sandbox } from './cni-runtime.ts';
import { testCaller } from './network-control.ts';
import { until } from './until.ts';
import { tool } from './wired-container.ts';

const instance = 'c0c1';
const log = silentLog();

export class CniWorld {
  readonly #board = new Switchboard(log);
  readonly #bus = this.#board.connect({ kind: 'agent', host: 'here' });
  readonly service: NetworkService = busNetworkService(this.#bus);
  readonly #sandboxes: Sandbox[] = [];
  #db: Db | undefined;
  #control: NetworkControl | undefined;
  #kernel: Kernel | undefined;
  #networks: Networks | undefined;
  #cni: CniService | undefined;
  #stateDir = '';

  get control(): NetworkControl {
    assert.ok(this.#control);
    return this.#control;
  }

  get kernel(): Kernel {
    assert.ok(this.#kernel);
    return this.#kernel;
  }

  get stateDir(): string {
    return this.#stateDir;
  }

  async open(): Promise<void> {
    this.#db = await openDatabase(':memory:');
    this.#stateDir = await mkdtemp(join(tmpdir(), 'berth-cni-'));
    this.#control = createNetworkControl({
      db: this.#db,
      waker: { wake: (_, { networks: ids = [] }) => this.#networks?.wake(ids) },
      config: loadConfig({ env: {} }),
      clock: systemClock,
      log,
    });
    this.#control.serve(this.#board.connect({ kind: 'server' }), async () => testCaller('kuryr'));
    this.#kernel = await openKernel({ log });
    await this.startAgent();
  }

  async close(): Promise<void> {
    await this.stopAgent();
    await this.#kernel?.close();
    await this.#db?.destroy();
    await rm(this.#stateDir, { recursive: true });
  }

  /** As the agent starts: nothing is remembered, everything is applied anew. */
  async startAgent(around: (backend: CniBackend) => CniBackend = (backend) => backend): Promise<void> {
    const { kernel } = this;
    const dataplane = new Dataplane({ kernel, instance, log });
    const networks = new Networks({
      bus: this.#bus,
      dataplane,
      log,
      everyMs: 60_000,
      letGo: async () => true,
    });
    this.#networks = networks;
    await networks.start();
    // As the agent's sweep does when it starts: what an earlier one had no time to remove goes.
    const wanted = networks.all();
    const routers = wanted.flatMap((network) => network.routers.map(({ id }) => id));
    await dataplane.sweep(
      wanted.map(({ id }) => id),
      routers,
    );
    const backend = createCniBackend({ service: this.service, host: 'here', dataplane, networks, kernel });
    this.#cni = await startCniService({ stateDir: this.#stateDir, backend: around(backend), log });
  }

  async stopAgent(): Promise<void> {
    await this.#cni?.close();
    await this.#networks?.stop();
    this.#networks = undefined;
  }

  async makeSandbox(name: string, more: Partial<Sandbox> = {}): Promise<Sandbox> {
    await tool('ip', 'netns', 'add', name);
    const sandbox = { containerId: `id-${name}`, netns: `/run/netns/${name}`, ...more };
    this.#sandboxes.push(sandbox);
    return sandbox;
  }

  async endTest(): Promise<void> {
    for (const { netns } of this.#sandboxes.splice(0)) {
      await tool('ip', 'netns', 'del', netns.replace('/run/netns/', '')).catch(() => undefined);
    }
    assert.deepEqual(
      await this.service.list('ports', { device_owner: 'compute:cni' }),
      [],
      'no port is left',
    );
    await until('the kernel is as before', async () => {
      const names = await this.kernel.namespaces();
      return !names.some((name) => name.startsWith(`berth-${instance}`));
    });
  }

  /** The configuration of a list with our plugin alone, at a version. */
  listOf(cniVersion: string, keys: Record<string, unknown> = {}): CniList {
    const capabilities = { ips: true, mac: true, dns: true, portMappings: true, bandwidth: true };
    return {
      cniVersion,
      name: 'pods',
      plugins: [{ type: 'berth-cni', stateDir: this.stateDir, network: 'pods', capabilities, ...keys }],
    };
  }
}

interface Around {
  /** What is there before the first test. */
  readonly furnish: () => Promise<unknown>;
  /** What the file itself has to tidy up after each test. */
  readonly tidy?: () => Promise<unknown>;
}

/** A world for this test file. */
export function cniWorld({ furnish, tidy = async () => undefined }: Around): CniWorld {
  const world = new CniWorld();
  before(async () => {
    await world.open();
    await furnish();
  });
  afterEach(async () => {
    await tidy();
    await world.endTest();
  });
  after(() => world.close());
  return world;
}

export const within = ({ netns }: Sandbox, ...command: readonly string[]) =>
  tool('ip', 'netns', 'exec', netns.replace('/run/netns/', ''), ...command);

export const refusesWith = (code: number, words: RegExp) => (error: Error & { code?: number }) => {
  assert.match(error.message, words);
  assert.equal(error.code, code);
  return true;
};
