/** A controller of the Container Network Model on the real kernel, in the test's own namespaces. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLog } from '../../src/base/log.ts';
import { Controller, type ControllerOptions } from '../../src/cnm/controller.ts';
import type { CnmView, Driver } from '../../src/cnm/driver.ts';
import { DefaultIpam } from '../../src/cnm/ipam/default.ts';
import { nullIpam } from '../../src/cnm/ipam/null.ts';
import type { Kernel } from '../../src/host/kernel.ts';
import { openKernel } from '../../src/host/linux.ts';
import type { CnmEndpoint } from '../../src/model/cnm.ts';
import { SqliteRecords } from '../../src/store/cnm/records.ts';
import { tool } from './wired-container.ts';

type MakeDrivers = (kernel: Kernel, records: CnmView) => readonly Driver[];

export interface CnmHostOptions {
  readonly drivers: MakeDrivers;
  readonly plugins?: ControllerOptions['plugins'];
}

export class CnmHost {
  readonly #options: CnmHostOptions;
  readonly folder = mkdtempSync(join(tmpdir(), 'berth-cnm-'));
  readonly hosts = new Map<string, string>();
  kernel!: Kernel;
  controller!: Controller;
  #records!: SqliteRecords;

  private constructor(options: CnmHostOptions) {
    this.#options = options;
  }

  static async start(options: CnmHostOptions): Promise<CnmHost> {
    const host = new CnmHost(options);
    await host.#open();
    return host;
  }

  async #open(): Promise<void> {
    this.kernel = await openKernel({ log: silentLog() });
    this.#records = new SqliteRecords(join(this.folder, 'cnm.db'));
    const { drivers, plugins } = this.#options;
    this.controller = await Controller.open({
      store: this.#records,
      kernel: this.kernel,
      log: silentLog(),
      drivers: (records) => drivers(this.kernel, records),
      ipams: [new DefaultIpam(), nullIpam],
      onHosts: async ({ name }, text) => {
        this.hosts.set(name, text);
      },
      ...(plugins ? { plugins } : {}),
    });
  }

  /** Another process on the same records. */
  async restart(): Promise<void> {
    await this.kernel.close();
    this.#records.close();
    await this.#open();
  }

  /** All links and namespaces of the machine are gone, the records are there. */
  async reboot(): Promise<void> {
    for (const netns of await this.kernel.namespaces()) {
      // A namespace ends in its own time, and a tunnel's id is taken until then.
      await tool('ip', '-n', netns, 'link', 'del', 'vx0').catch(() => undefined);
      await tool('ip', 'netns', 'del', netns);
    }
    const links = await this.kernel.links();
    const made = links.filter(({ kind }) => ['bridge', 'veth', 'macvlan', 'ifb'].includes(kind));
    for (const { name } of made) await tool('ip', 'link', 'del', name).catch(() => undefined);
    await tool('nft', 'flush', 'ruleset');
    await this.restart();
  }

  async stop(): Promise<void> {
    await this.kernel.close();
    this.#records.close();
    rmSync(this.folder, { recursive: true });
  }

  /** An endpoint of the name in a sandbox of the name, which is made when it is not there. */
  async attach(name: string, networkId: string, more: object = {}): Promise<CnmEndpoint> {
    const endpoint = await this.controller.createEndpoint(networkId, { name, ...more });
    const known = this.controller.sandboxes().find((sandbox) => sandbox.name === name);
    return this.controller.join(endpoint.id, (known ?? (await this.controller.createSandbox({ name }))).id);
  }

  async clear(): Promise<void> {
    const { controller } = this;
    for (const { id } of controller.sandboxes()) await controller.deleteSandbox(id);
    for (const { id } of controller.endpoints()) await controller.deleteEndpoint(id);
    for (const { id } of controller.networks()) await controller.deleteNetwork(id);
  }

  /** Links, namespaces and rules, as the tools list them. */
  async traces(): Promise<string> {
    const links = JSON.parse(await tool('ip', '-j', 'link')) as { ifname: string }[];
    const namespaces = await tool('ip', 'netns', 'list');
    return [
      links.map(({ ifname }) => ifname).join(' '),
      namespaces,
      await tool('nft', 'list', 'ruleset'),
    ].join('\n');
  }

  async exec(sandbox: string, ...command: readonly string[]): Promise<string> {
    const { netns } = this.controller.findSandbox(sandbox);
    return netns === null
      ? tool(command[0] ?? '', ...command.slice(1))
      : tool('ip', 'netns', 'exec', netns, ...command);
  }

  async pings(sandbox: string, address: string | null): Promise<boolean> {
    const target = (address ?? '').split('/')[0] ?? '';
    return this.exec(sandbox, 'ping', '-n', '-c', '3', '-i', '0.2', '-W', '1', target).then(
      () => true,
      () => false,
    );
  }

  async macOf(sandbox: string, link: string | null): Promise<string> {
    const [found] = JSON.parse(await this.exec(sandbox, 'ip', '-j', 'link', 'show', 'dev', link ?? '')) as {
      address: string;
    }[];
    return found?.address ?? '';
  }
}
