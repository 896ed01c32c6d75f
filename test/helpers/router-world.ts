/**
 * A machine for tests of routers: an outside behind the default route, somebody else's container network, and a host
 * firewall that forwards nothing, as dockerd's. Everything that a test makes is gone after it, byte by byte.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, afterEach, before, beforeEach } from 'node:test';
import { silentLog } from '../../src/base/log.ts';
import { settleAll } from '../../src/base/undo.ts';
import type { Kernel } from '../../src/host/kernel.ts';
import { openKernel } from '../../src/host/linux.ts';
import { Dataplane } from '../../src/network/dataplane.ts';
import type { WantedNetwork, WantedPort, WantedRouter } from '../../src/wire/host-network.ts';
import { Talk } from './talk.ts';
import { until } from './until.ts';
import { aGroup, aNetwork, aPort, aRouter, aRule } from './wanted-network.ts';
import { tool, WiredContainer } from './wired-container.ts';

export const outside = '198.51.100.2';
export const outside6 = '2001:db8:ff::2';

/** A tenant: a network with a container at 10.0.0.11 and a router at 10.0.0.1. */
export interface Tenant {
  readonly network: WantedNetwork;
  readonly router: WantedRouter;
  readonly container: WiredContainer;
}

export interface RouterWorld {
  readonly instance: string;
  readonly kernel: Kernel;
  dataplane: Dataplane;
  /** As after a restart: one that remembers nothing. */
  anew(): Dataplane;
  tenant(last: number, overrides?: Partial<WantedRouter>): Promise<Tenant>;
  start(network: WantedNetwork, port: WantedPort, gateways?: readonly string[]): Promise<WiredContainer>;
  /** Stopped after the test. */
  keep<T extends { stop(): Promise<unknown> }>(running: T): T;
  talk(netns: string | undefined, address: string, port: number): Promise<Talk | undefined>;
}

/** The router's side of the external network, in both families. */
export function gateway(last: number): NonNullable<WantedRouter['gateway']> {
  return {
    networkId: 'external',
    portId: crypto.randomUUID(),
    macAddress: `fa:16:3e:00:02:${last.toString(16).padStart(2, '0')}`,
    mtu: 1500,
    addresses: [`172.24.4.${last}/24`, `2001:db8:4::${last.toString(16)}/64`],
    nexthops: ['172.24.4.1', '2001:db8:4::1'],
  };
}

/** A namespace on a link of its own to the host, which has the addresses ending in 1. */
export async function neighbour(name: string, net: string, net6: string): Promise<void> {
  await tool('ip', 'netns', 'add', name);
  await tool('ip', 'link', 'add', name, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name);
  await tool('ip', 'address', 'add', `${net}.1/24`, 'dev', name);
  await tool('ip', 'address', 'add', `${net6}::1/64`, 'dev', name, 'nodad');
  await tool('ip', 'link', 'set', name, 'up');
  const ip = (...args: readonly string[]) => tool('ip', '-n', name, ...args);
  await ip('address', 'add', `${net}.2/24`, 'dev', 'eth0');
  await ip('address', 'add', `${net6}::2/64`, 'dev', 'eth0', 'nodad');
  await ip('link', 'set', 'eth0', 'up');
  await ip('link', 'set', 'lo', 'up');
}

async function furnish(): Promise<void> {
  // Addresses that the kernel still tries out would look different later.
  await tool('sh', '-c', 'echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad');
  await neighbour('outside', '198.51.100', '2001:db8:ff');
  await neighbour('docker9', '172.31.0', 'fd00:d9');
  // The neighbours know nothing of tenants or of the external network: only NAT brings answers back.
  await tool('ip', '-n', 'docker9', 'route', 'add', 'default', 'via', '172.31.0.1');
  await tool('ip', 'route', 'add', 'default', 'via', outside);
  await tool('ip', '-6', 'route', 'add', 'default', 'via', outside6);
  for (const iptables of ['iptables', 'ip6tables']) {
    await tool(iptables, '-P', 'FORWARD', 'DROP');
    await tool(iptables, '-N', 'DOCKER-USER');
    await tool(iptables, '-A', 'DOCKER-USER', '-j', 'RETURN');
    await tool(iptables, '-A', 'FORWARD', '-j', 'DOCKER-USER');
  }
}

/** What the tools say of the root namespace; `-o` so that a difference is one line. */
async function listings(kernel: Kernel): Promise<Record<string, unknown>> {
  return {
    namespaces: (await kernel.namespaces()).sort(),
    links: await tool('ip', '-o', '-d', 'link'),
    addresses: await tool('ip', '-o', 'address'),
    routes: await tool('ip', 'route'),
    routes6: await tool('ip', '-6', 'route'),
    rules: await tool('nft', '--stateless', 'list', 'ruleset'),
    queues: await tool('tc', 'qdisc'),
  };
}

/** Call after `enterPrivateNetwork`, once per test file. `furniture` is what the machine has besides. */
export function routerWorld(furniture: () => Promise<unknown> = async () => undefined): RouterWorld {
  const instance = randomBytes(2).toString('hex');
  const stops: { stop(): Promise<unknown> }[] = [];
  let kernel: Kernel | undefined;
  let dataplane: Dataplane | undefined;
  let earlier: Record<string, unknown>;

  before(async () => {
    await furnish();
    await furniture();
    kernel = await openKernel({ log: silentLog() });
  });
  after(() => kernel?.close());
  beforeEach(async () => {
    assert.ok(kernel);
    earlier = await listings(kernel);
    dataplane = world.anew();
  });
  afterEach(async () => {
    assert.ok(kernel);
    await settleAll(
      'stop what the test started',
      stops.splice(0).map((one) => ['one', () => one.stop()]),
    );
    // A new process knows nothing but the lists.
    await world.anew().sweep([], []);
    const isAsBefore = async () => {
      assert.ok(kernel);
      assert.deepEqual(await listings(kernel), earlier);
      return true;
    };
    await until('everything is as before', isAsBefore, { patienceMs: 10_000 });
  });

  const world: RouterWorld = {
    instance,
    get kernel() {
      assert.ok(kernel);
      return kernel;
    },
    get dataplane() {
      assert.ok(dataplane);
      return dataplane;
    },
    set dataplane(other) {
      dataplane = other;
    },
    anew: () => new Dataplane({ kernel: world.kernel, instance, log: silentLog() }),
    keep: (running) => {
      stops.push(running);
      return running;
    },
    start: async (network, port, gateways = []) =>
      world.keep(await WiredContainer.start(world.dataplane, network, { port, gateways })),
    talk: async (netns, address, port) => {
      const talk = await Talk.start(netns, address, port);
      return talk && world.keep(talk);
    },
    tenant: async (last, overrides = {}) => {
      const group = aGroup([aRule('ingress', 4), aRule('ingress', 6)]);
      const port = aPort('10.0.0.11', { securityGroupIds: [group.id] });
      const id = crypto.randomUUID();
      const router = aRouter(id, ['10.0.0.1/24', 'fd00::1/64'], { gateway: gateway(last), ...overrides });
      const network = aNetwork({ id, ports: [port], securityGroups: [group], routers: [router] });
      return { network, router, container: await world.start(network, port, ['10.0.0.1', 'fd00::1']) };
    },
  };
  return world;
}

export const reaches = (from: WiredContainer, address: string) =>
  until(`${from.address()} reaches ${address}`, () => from.pings(address));
