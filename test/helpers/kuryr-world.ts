/** The Kuryr plugin with a network service in memory and a host that only notes what is plugged. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLog } from '../../src/base/log.ts';
import type { Holdings } from '../../src/model/holdings.ts';
import { kuryrPortOwner } from '../../src/model/network.ts';
import type { HostPort, HostSubnet, KuryrBackend, PortQuery } from '../../src/plugins/libnetwork/backend.ts';
import {
  type KuryrPlugin,
  type KuryrPluginOptions,
  startKuryrPlugin,
} from '../../src/plugins/libnetwork/kuryr-plugin.ts';
import type { Orphan, Shelter } from '../../src/plugins/libnetwork/orphans.ts';
import type { PortView } from '../../src/wire/network-service.ts';
import { type Answer, DockerdCalls } from './dockerd.ts';
import { FakeNetworkService } from './network-service.ts';

export class NotingHost implements KuryrBackend {
  readonly service = new FakeNetworkService();
  /** Called before the kernel or the memory of this host is asked; may throw or wait. */
  before: () => Promise<void> | void = () => undefined;
  readonly subnets: HostSubnet[] = [];
  readonly ports: HostPort[] = [];
  /** Endpoint → port. */
  readonly plugged = new Map<string, string>();
  failPlug = false;
  readonly host = 'here';
  /** Of Docker: what it would show by `docker network ls`. */
  readonly networks = new Set<string>();
  /** Of Docker: id → MAC. */
  readonly endpoints = new Map<string, string>();

  /** As a dataplane that removes what is no longer wanted. */
  readonly shelters: readonly Shelter[] = [
    {
      kind: 'link',
      find: async () => {
        const ports = this.#portsOfKuryr().map(({ id }) => id);
        return [...this.plugged].filter(([, portId]) => !ports.includes(portId)).map(([id]) => id);
      },
      free: async (endpointId) => {
        this.plugged.delete(endpointId);
      },
    },
  ];

  async holdings(): Promise<Holdings> {
    const endpoints = [...this.endpoints].map(([id, macAddress]) => ({ id, macAddress }));
    return { networks: this.networks, endpoints };
  }

  async isHere(port: PortView): Promise<boolean> {
    return port['binding:host_id'] === this.host;
  }

  async findSubnet(subnetId: string): Promise<HostSubnet | undefined> {
    await this.before();
    return this.subnets.find((subnet) => subnet.id === subnetId);
  }

  async findPort({ portId, networkId, subnetId, address, macAddress }: PortQuery) {
    await this.before();
    return [...this.ports, ...this.#portsOfKuryr()].find(
      (port) =>
        (portId === undefined || port.id === portId) &&
        (networkId === undefined || port.networkId === networkId) &&
        (macAddress === undefined || port.macAddress === macAddress) &&
        port.fixedIps.some(
          (ip) =>
            (subnetId === undefined || ip.subnetId === subnetId) &&
            (address === undefined || ip.address === address),
        ),
    );
  }

  /** All ports of the service are bound to this host. */
  #portsOfKuryr(): HostPort[] {
    return (this.service.inventory().ports ?? []).map((port) => ({
      id: port.id,
      networkId: String(port.network_id),
      macAddress: String(port.mac_address),
      deviceOwner: kuryrPortOwner,
      fixedIps: (port.fixed_ips as { subnet_id: string; ip_address: string }[]).map((ip) => ({
        address: ip.ip_address,
        subnetId: ip.subnet_id,
      })),
    }));
  }

  async plug({ portId, endpointId }: { portId: string; endpointId: string }) {
    await this.before();
    this.plugged.set(endpointId, portId);
    if (this.failPlug) throw new Error('the kernel said no');
    return { linkName: `c${portId.slice(0, 8)}` };
  }

  async unplug({ endpointId }: { endpointId: string }): Promise<void> {
    await this.before();
    this.plugged.delete(endpointId);
  }

  /** Routes of sandboxes that an earlier process gave. */
  readonly routes = new Set<string>();

  async hasRoute(sandbox: string, to: string): Promise<boolean> {
    return this.routes.has(`${sandbox} ${to}`);
  }

  async portOfEndpoint(endpointId: string): Promise<string | undefined> {
    await this.before();
    return this.plugged.get(endpointId);
  }

  /** Ports that are not their container's default gateway. */
  readonly secondary = new Set<string>();
  isDefaultGateway(portId: string): boolean {
    return !this.secondary.has(portId);
  }
}

export class KuryrWorld {
  readonly host = new NotingHost();
  readonly service = this.host.service;
  readonly pluginDir: string;
  #plugin: KuryrPlugin | undefined;
  /** Of the next start. */
  options: Partial<KuryrPluginOptions> = {};
  /** Called before each call of dockerd. */
  beforeCall: () => Promise<void> = async () => undefined;

  constructor(pluginDir: string) {
    this.pluginDir = pluginDir;
  }

  static async with(work: (world: KuryrWorld) => Promise<void>, deadlineMs = 5_000): Promise<void> {
    const world = new KuryrWorld(await mkdtemp(join(tmpdir(), 'kuryr-')));
    try {
      await world.start(deadlineMs);
      await work(world);
    } finally {
      await world.stop();
      await rm(world.pluginDir, { recursive: true });
    }
  }

  async start(deadlineMs = 5_000, sweepMs = 60_000): Promise<void> {
    const { pluginDir, host: backend } = this;
    this.#plugin = await startKuryrPlugin({
      name: 'kuryr',
      pluginDir,
      backend,
      log: silentLog(),
      deadlineMs,
      sweepMs,
      graceMs: sweepMs,
      ...this.options,
    });
  }

  async stop(): Promise<void> {
    await this.#plugin?.close();
    this.#plugin = undefined;
  }

  /** As a crash does: only what the service and the host remember stays. */
  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  dockerIsBack(): void {
    this.#plugin?.dockerIsBack();
  }

  /** All orphans are found and freed, without grace. */
  async sweep(): Promise<Orphan[]> {
    return (await this.#plugin?.orphans.sweep(0)) ?? [];
  }

  /** As `look` tells before a sweep. */
  async look(): Promise<Orphan[]> {
    return (await this.#plugin?.orphans.look()) ?? [];
  }

  get socketPath(): string {
    return join(this.pluginDir, 'kuryr.sock');
  }

  async ask(call: string, body?: unknown): Promise<Answer> {
    await this.beforeCall();
    return new DockerdCalls(this.socketPath).ask(call, body);
  }

  // biome-ignore lint/suspicious/noExplicitAny: answers of many shapes, judged by the tests
  async call(name: string, body?: unknown): Promise<any> {
    const { status, body: answer } = await this.ask(name, body);
    if (status !== 200) throw new Error(`${name}: ${status} ${answer.Err}`);
    return answer;
  }
}
