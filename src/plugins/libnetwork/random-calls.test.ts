/**
 * Random sequences of Docker's commands and calls, and of calls that make no sense, with failures of network service and
 * host and with restarts in between: every answer is one that dockerd understands, what makes no sense is refused and
 * changes nothing, and when Docker has removed all and the orphans are swept, nothing is left. `KURYR_RUNS=1000` for more; a failure prints its seed.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type ContainerOfDocker,
  createNetwork,
  type NetworkOfDocker,
  removeNetwork,
  startContainer,
  stopContainer,
} from '../../../test/helpers/docker-flows.ts';
import { KuryrWorld } from '../../../test/helpers/kuryr-world.ts';
import { Failure } from '../../model/failure.ts';

const numRuns = Number(process.env.KURYR_RUNS ?? 40);

const id = (prefix: string, number: number) => `${prefix}${number}`.padEnd(8, '0').repeat(8);
const small = fc.nat({ max: 2 });

const [unknown, nowhere] = [id('9', 9), { Address: '10.99.0.1/24', AddressIPv6: '', MacAddress: '' }];
const ofEndpoint = { NetworkID: unknown, EndpointID: unknown };

/** Calls that are refused whatever there is; a text is a body that is sent as it stands. */
const nonsense: readonly (readonly [call: string, body: unknown])[] = [
  ['NetworkDriver.CreateNetwork', '{"NetworkID": "'],
  ['NetworkDriver.CreateNetwork', ''],
  ['NetworkDriver.CreateNetwork', '[]'],
  ['NetworkDriver.CreateNetwork', { NetworkID: '../x', Options: {}, IPv4Data: [], IPv6Data: [] }],
  ['NetworkDriver.CreateNetwork', { NetworkID: unknown, Options: {}, IPv4Data: 'x', IPv6Data: null }],
  ['NetworkDriver.CreateNetwork', { NetworkID: unknown, Options: {}, IPv4Data: [{ Pool: '10.9.0.0/99' }] }],
  ['NetworkDriver.CreateEndpoint', { ...ofEndpoint, Interface: nowhere, Options: {} }],
  ['NetworkDriver.CreateEndpoint', { ...ofEndpoint, Interface: 7 }],
  ['NetworkDriver.Join', { ...ofEndpoint, SandboxKey: '/x', Options: {} }],
  ['NetworkDriver.Join', '{"NetworkID"'],
  ['NetworkDriver.EndpointOperInfo', {}],
  [
    'IpamDriver.RequestPool',
    { AddressSpace: 'kuryr', Pool: '10.0.0.0/33', SubPool: '', Options: {}, V6: false },
  ],
  ['IpamDriver.RequestPool', { Pool: '10.77.0.0/16', SubPool: '10.88.0.0/24', Options: {}, V6: false }],
  ['IpamDriver.RequestAddress', { PoolID: unknown, Address: '', Options: {} }],
  ['IpamDriver.RequestAddress', { PoolID: 7, Address: '' }],
  ['NetworkDriver.Fly', {}],
  ['NoDriver', '{'],
];

const step = fc.oneof(
  fc.record({
    do: fc.constant('create' as const),
    network: small,
    pool: fc.constantFrom('10.77.0.0/16', '10.78.0.0/24', undefined),
    isDual: fc.boolean(),
    adopts: fc.boolean(),
    publish: fc.constantFrom('ports', 'floating-ip', 'none'),
  }),
  fc.record({ do: fc.constant('remove' as const), network: small, isDeaf: fc.boolean() }),
  fc.record({
    do: fc.constant('start' as const),
    container: small,
    network: small,
    ip: fc.constantFrom('10.77.0.50', undefined),
    isPublished: fc.boolean(),
  }),
  fc.record({ do: fc.constant('stop' as const), container: small, network: small, isDeaf: fc.boolean() }),
  fc.record({
    do: fc.constant('stray' as const),
    call: fc.constantFrom('Leave', 'DeleteEndpoint', 'Join', 'RevokeExternalConnectivity', 'DeleteNetwork'),
    network: small,
    container: small,
  }),
  fc.record({
    do: fc.constant('break' as const),
    after: fc.nat({ max: 12 }),
    by: fc.constantFrom('error', 'ip-address-exhausted', 'network-over-quota', 'kernel'),
  }),
  fc.record({
    do: fc.constant('wrong' as const),
    what: fc.nat({ max: nonsense.length - 1 }),
    network: small,
  }),
  fc.record({ do: fc.constant('restart' as const), isPowerCut: fc.boolean() }),
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

const published = {
  'com.docker.network.portmap': [{ Proto: 6, IP: '', Port: 80, HostIP: '', HostPort: 8080 }],
};

/** Docker's own book: what it knows of. */
class Docker {
  readonly world: KuryrWorld;
  readonly networks = new Map<number, NetworkOfDocker>();
  readonly containers = new Map<string, ContainerOfDocker>();
  #number = 0;

  constructor(world: KuryrWorld) {
    this.world = world;
  }

  async do(what: Step): Promise<void> {
    switch (what.do) {
      case 'create':
        return this.#create(what);
      case 'remove':
        return this.#remove(what.network, what.isDeaf);
      case 'start':
        return this.#start(what);
      case 'stop':
        return this.#stop(`${what.container} ${what.network}`, what.isDeaf);
      case 'stray': {
        // Docker repeats itself, or calls for what it never made.
        const ids = { NetworkID: id('9', what.network), EndpointID: id('8', what.container) };
        await this.world.ask(`NetworkDriver.${what.call}`, { ...ids, SandboxKey: '/x/netns/1', Options: {} });
        return;
      }
      case 'break':
        return this.#break(what);
      case 'wrong':
        return this.#wrong(nonsense[what.what] ?? ['', '']);
      case 'restart':
        if (what.isPowerCut) {
          this.world.host.plugged.clear();
          this.world.host.endpoints.clear();
          this.containers.clear();
        }
        return this.world.restart();
    }
  }

  async removeAll(): Promise<void> {
    for (const key of this.containers.keys()) await this.#stop(key, false);
    for (const key of this.networks.keys()) await this.#remove(key, false);
  }

  async #create({ network, pool, isDual, adopts, publish }: Extract<Step, { do: 'create' }>): Promise<void> {
    if (this.networks.has(network)) return;
    this.#number += 1;
    const request = {
      id: id('a', this.#number),
      subnets: [pool === undefined ? {} : { pool }],
      ...(isDual ? { v6: [{ pool: `fd00:${this.#number}::/64` }] } : {}),
      options: { 'berth.publish': publish, ...(adopts ? { 'neutron.net.name': 'blue' } : {}) },
    };
    this.networks.set(network, await createNetwork(this.world, request));
  }

  async #remove(key: number, isDeaf: boolean): Promise<void> {
    const network = this.networks.get(key);
    const isUsed = [...this.containers.keys()].some((each) => each.endsWith(` ${key}`));
    if (!network || isUsed) return;
    this.networks.delete(key);
    // The driver was dead: Docker forgets all the same.
    if (isDeaf) this.world.host.networks.delete(network.id);
    else await removeNetwork(this.world, network);
  }

  async #start({ container, network, ip, isPublished }: Extract<Step, { do: 'start' }>): Promise<void> {
    const key = `${container} ${network}`;
    const there = this.networks.get(network);
    if (!there || this.containers.has(key)) return;
    this.#number += 1;
    const started = await startContainer(this.world, there, {
      endpointId: id('e', this.#number),
      mac: `02:42:00:00:0${container}:0${network}`,
      ...(ip ? { ip } : {}),
      ...(isPublished ? { labels: published } : {}),
    });
    this.containers.set(key, started);
  }

  async #stop(key: string, isDeaf: boolean): Promise<void> {
    const container = this.containers.get(key);
    const network = this.networks.get(Number(key.split(' ')[1]));
    if (!container || !network) return;
    this.containers.delete(key);
    if (isDeaf) {
      // The kernel drops the link with the container's namespace.
      this.world.host.plugged.delete(container.endpointId);
      this.world.host.endpoints.delete(container.endpointId);
    } else await stopContainer(this.world, network, container);
  }

  /** The n-th question to the network service from now on fails, once; or the kernel refuses until it is mended. */
  #break({ after, by }: Extract<Step, { do: 'break' }>): void {
    let left = after;
    this.world.host.failPlug = by === 'kernel';
    this.world.service.before = () => {
      left -= 1;
      if (left !== -1 || by === 'kernel') return;
      throw by === 'error' ? new Error('broken on purpose') : new Failure(by, 'broken on purpose');
    };
  }

  /** Not while something breaks: that may have left what a sweep has to find. */
  async #wrong([call, body]: (typeof nonsense)[number]): Promise<void> {
    this.mend();
    const before = there(this.world);
    const { status } = await this.world.ask(call, body);
    assert.ok(status >= 400, `${call} with ${JSON.stringify(body)} was answered with ${status}`);
    assert.deepEqual(there(this.world), before, call);
  }

  mend(): void {
    this.world.host.failPlug = false;
    this.world.service.before = () => undefined;
  }
}

test(`whatever Docker asks in whatever order, nothing is left (${numRuns} sequences)`, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 24 }), (steps) =>
      KuryrWorld.with(async (world) => {
        await world.service.create('networks', { name: 'public', 'router:external': true });
        await world.service.create('networks', { name: 'blue' });
        const before = there(world);
        const docker = new Docker(world);
        const answers = judged(world);
        for (const each of steps) {
          await docker.do(each).catch((error: unknown) => {
            if (error instanceof assert.AssertionError) throw error;
          });
        }
        docker.mend();
        await docker.removeAll();
        // Twice: what is freed last may have held what was looked at first.
        await world.sweep();
        await world.sweep();
        assert.deepEqual(there(world), before);
        assert.deepEqual([...world.host.plugged], []);
        assert.deepEqual(answers.strange, []);
      }),
    ),
    { numRuns, includeErrorInReport: true },
  );
});

function there({ service }: KuryrWorld): object {
  return Object.fromEntries(Object.entries(service.inventory()).filter(([, rows]) => rows.length > 0));
}

/** Looks at every answer: dockerd reads `Err` in one half of it and `Error` in the other, and a body in any case. */
function judged(world: KuryrWorld): { readonly strange: string[] } {
  const strange: string[] = [];
  const ask = world.ask.bind(world);
  world.ask = async (call, body) => {
    const answer = await ask(call, body);
    const { Err, Error: error } = (answer.body ?? {}) as { Err?: unknown; Error?: unknown };
    const isRefusal = typeof Err === 'string' && Err !== '' && Err === error;
    const isFine = answer.status === 200 ? answer.body && Err === undefined : isRefusal;
    if (!isFine) strange.push(`${call}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer;
  };
  return { strange };
}
