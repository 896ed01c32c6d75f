/** dockerd waits for ever, and holds its locks meanwhile: it gets its answers whatever hangs behind the driver. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  createNetwork,
  removeNetwork,
  startContainer,
  stopContainer,
} from '../../../test/helpers/docker-flows.ts';
import { KuryrWorld } from '../../../test/helpers/kuryr-world.ts';
import { until } from '../../../test/helpers/until.ts';

const id = (digit: string) => digit.repeat(64);
const labels = { 'com.docker.network.portmap': [{ Proto: 6, Port: 80, HostPort: 8080 }] };
const container = { endpointId: id('e'), mac: '02:42:00:00:00:01', labels };
const request = { id: id('a'), subnets: [{ pool: '10.77.0.0/16' }], v6: [{ pool: 'fd00:77::/64' }] };

/** Something that waits until it is let go. */
class Gate {
  readonly #opened = Promise.withResolvers<void>();
  open(): void {
    this.#opened.resolve();
  }
  get passed(): Promise<void> {
    return this.#opened.promise;
  }
}

/** Every call of dockerd's, about things that are there and things that are not. */
function callsAbout(poolId: string, address: string): Record<'first' | 'last', [string, object][]> {
  const about = (endpoint: string) => ({ NetworkID: id('a'), EndpointID: id(endpoint) });
  const other = {
    NetworkID: id('b'),
    Options: {},
    IPv4Data: [{ AddressSpace: 'kuryr', Pool: '10.78.0.0/24' }],
    IPv6Data: [],
  };
  const first: [string, object][] = [
    ['IpamDriver.RequestPool', { AddressSpace: 'kuryr', Pool: '10.79.0.0/24', V6: false }],
    ['IpamDriver.RequestPool', { AddressSpace: 'kuryr', Pool: '', V6: false }],
    ['IpamDriver.RequestAddress', { PoolID: poolId, Address: '' }],
    ['IpamDriver.ReleaseAddress', { PoolID: poolId, Address: address }],
    ['NetworkDriver.CreateNetwork', other],
    ['NetworkDriver.CreateEndpoint', { ...about('f'), Interface: { Address: '10.77.0.99/16' } }],
    ...[about('e'), about('9')].flatMap((endpoint): [string, object][] => [
      ['NetworkDriver.EndpointOperInfo', endpoint],
      ['NetworkDriver.Join', { ...endpoint, SandboxKey: '/x/netns/1', Options: {} }],
      ['NetworkDriver.ProgramExternalConnectivity', { ...endpoint, Options: labels }],
      ['NetworkDriver.RevokeExternalConnectivity', endpoint],
      ['NetworkDriver.Leave', endpoint],
      ['NetworkDriver.DeleteEndpoint', endpoint],
    ]),
  ];
  // After these the others would have nothing to ask about.
  const last: [string, object][] = [
    ['IpamDriver.ReleasePool', { PoolID: poolId }],
    ['NetworkDriver.DeleteNetwork', { NetworkID: id('a') }],
  ];
  return { first, last };
}

/** Which of those, sorted, wait for whom. */
const waiting = {
  host: [
    'IpamDriver.ReleaseAddress',
    'IpamDriver.ReleasePool',
    'IpamDriver.RequestAddress',
    'NetworkDriver.CreateEndpoint',
    'NetworkDriver.DeleteEndpoint',
    'NetworkDriver.EndpointOperInfo',
    'NetworkDriver.Join',
    'NetworkDriver.ProgramExternalConnectivity',
    'NetworkDriver.RevokeExternalConnectivity',
  ],
  'network service': [
    'IpamDriver.ReleaseAddress',
    'IpamDriver.ReleasePool',
    'IpamDriver.RequestAddress',
    'IpamDriver.RequestPool',
    'NetworkDriver.CreateEndpoint',
    'NetworkDriver.CreateNetwork',
    'NetworkDriver.DeleteEndpoint',
    'NetworkDriver.DeleteNetwork',
    'NetworkDriver.EndpointOperInfo',
    'NetworkDriver.Join',
    'NetworkDriver.ProgramExternalConnectivity',
    'NetworkDriver.RevokeExternalConnectivity',
  ],
} as const;

for (const who of ['network service', 'host'] as const) {
  test(`each call is answered while the ${who} hangs, and a driver that has forgotten all answers too`, () =>
    KuryrWorld.with(async (world) => {
      const network = await createNetwork(world, request);
      const started = await startContainer(world, network, container);
      const address = started.addresses[0]?.address.split('/')[0] ?? '';
      const gate = new Gate();
      if (who === 'host') world.host.before = () => gate.passed;
      else world.service.before = () => gate.passed;
      await world.stop();
      // Long enough for those that wait for nobody.
      await world.start(250);
      const hung = new Set<string>();
      const askAll = (calls: readonly [string, object][]) =>
        Promise.all(
          calls.map(async ([call, body]) => {
            const { status, body: answer } = await world.ask(call, body);
            if (status !== 504) return;
            hung.add(call);
            assert.match(answer.Err, /no answer within 250 ms/, call);
            assert.equal(answer.Error, answer.Err, call);
          }),
        );
      const { first, last } = callsAbout(network.pools[0]?.poolId ?? '', address);
      await askAll(first);
      await askAll(last);
      assert.deepEqual([...hung].toSorted(), waiting[who]);
      gate.open();
      world.host.endpoints.clear();
      world.host.networks.clear();
      // What was done too late is taken back; what Docker asked to be removed is removed all the same.
      await until('nothing is left', async () => {
        await world.restart();
        await world.sweep();
        const left = Object.values(world.service.inventory()).flat().length + world.host.plugged.size;
        return left === 0;
      });
    }));
}

test('the network service hangs at any question of a life: dockerd gives up, and in the end nothing is left', () =>
  KuryrWorld.with(async (world) => {
    const { service, host } = world;
    const outside = await service.create('networks', { name: 'public', 'router:external': true });
    const life = async () => {
      const network = await createNetwork(world, { ...request, options: { 'berth.publish': 'floating-ip' } });
      try {
        const started = await startContainer(world, network, container);
        await stopContainer(world, network, started);
      } finally {
        await removeNetwork(world, network);
      }
    };
    service.calls.length = 0;
    await life();
    const count = service.calls.length;
    assert.ok(count > 40, `${count} questions`);
    await world.stop();
    await world.start(50);
    for (let at = 1; at <= count; at += 1) {
      const gate = new Gate();
      let left = at;
      service.before = () => {
        left -= 1;
        return left === 0 ? gate.passed : undefined;
      };
      await life().catch(() => undefined);
      gate.open();
      host.networks.clear();
      host.endpoints.clear();
      await until(`nothing is left after question ${at} of ${count}`, async () => {
        await world.stop();
        await world.start(50);
        await world.sweep();
        const rest = Object.values(service.inventory()).flat();
        return rest.every((row) => row.id === outside.id) && host.plugged.size === 0;
      });
    }
  }));

test('a driver that is stopped answers the calls under way first', () =>
  KuryrWorld.with(async (world) => {
    const gate = new Gate();
    const reached = new Gate();
    world.service.before = (call) => {
      if (call !== 'create networks') return undefined;
      reached.open();
      return gate.passed;
    };
    const made = createNetwork(world, request);
    await reached.passed;
    const stopped = world.stop();
    await assert.rejects(world.ask('Plugin.Activate'), /ENOENT|ECONNREFUSED/);
    gate.open();
    // CreateNetwork is the last of its calls.
    const network = await made;
    await stopped;
    await world.start();
    await removeNetwork(world, network);
    assert.deepEqual(Object.values(world.service.inventory()).flat(), []);
  }));
