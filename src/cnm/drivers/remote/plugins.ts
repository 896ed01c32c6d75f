/** Plugins by name, each activated once, as a network driver or as an IPAM driver or as both. */
import { Failure } from '../../../model/failure.ts';
import { PluginClient, type PluginClientOptions } from './client.ts';
import { dockerFolders, findPlugin, type PluginFolders } from './discovery.ts';
import { RemoteDriver } from './driver.ts';
import { RemoteIpam } from './ipam.ts';

interface Active {
  readonly client: PluginClient;
  readonly driver: RemoteDriver | undefined;
  readonly ipam: RemoteIpam | undefined;
}

export class Plugins {
  readonly #folders: PluginFolders;
  readonly #options: PluginClientOptions;
  readonly #active = new Map<string, Promise<Active | undefined>>();

  constructor(folders: PluginFolders = dockerFolders, options: PluginClientOptions = {}) {
    this.#folders = folders;
    this.#options = options;
  }

  async driver(name: string): Promise<RemoteDriver | undefined> {
    const plugin = await this.#find(name);
    if (!plugin || plugin.driver) return plugin?.driver;
    throw new Failure('driver-not-found', `plugin ${name} is not a network driver`);
  }

  async ipam(name: string): Promise<RemoteIpam | undefined> {
    const plugin = await this.#find(name);
    if (!plugin || plugin.ipam) return plugin?.ipam;
    throw new Failure('driver-not-found', `plugin ${name} is not an IPAM driver`);
  }

  async close(): Promise<void> {
    for (const plugin of this.#active.values()) (await plugin)?.client.close();
  }

  /** What failed is tried again at the next look-up. */
  #find(name: string): Promise<Active | undefined> {
    const known = this.#active.get(name);
    if (known) return known;
    const found = this.#activate(name);
    this.#active.set(name, found);
    found.then(
      (plugin) => plugin ?? this.#active.delete(name),
      () => this.#active.delete(name),
    );
    return found;
  }

  async #activate(name: string): Promise<Active | undefined> {
    const address = findPlugin(name, this.#folders);
    if (!address) return undefined;
    const client = new PluginClient(address, this.#options);
    const kinds = await client.activate();
    return {
      client,
      driver: kinds.includes('NetworkDriver') ? new RemoteDriver(client) : undefined,
      ipam: kinds.includes('IpamDriver') ? new RemoteIpam(client) : undefined,
    };
  }
}
