/** What the agent does when the networks of a container that is there change; the rest of it is in ./agent.test.ts. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { until } from '../../test/helpers/until.ts';
import { Failure } from '../model/failure.ts';
import { dockerContainerName, dockerNetworkName } from '../model/host-names.ts';
import type { WantedContainer } from '../wire/agent.ts';
import type { WantedNetwork } from '../wire/host-network.ts';
import { fakeWorld, instance, type World } from './world.fixture.ts';

let world: World;
beforeEach(async () => {
  world = fakeWorld();
  await world.start();
});
afterEach(() => world.stop());

const soon = { everyMs: 2, patienceMs: 4_000 };
const outcome = (uuid: string, operation: string) =>
  until(`${operation} ends`, async () => world.server.outcomeOf(uuid, operation), soon);
const inDocker = (uuid: string) =>
  [...world.engine.containers.values()].find(({ name }) => name === dockerContainerName(uuid));
const nameOf = ({ id, subnets }: WantedNetwork) =>
  dockerNetworkName(
    instance,
    id,
    subnets.map((subnet) => subnet.id),
  );
const networksOf = (uuid: string) => [...(inDocker(uuid)?.endpoints.keys() ?? [])];
const nicsOf = (uuid: string) => world.server.row(uuid).wanted.nics;
const routesOf = (uuid: string) =>
  world.dataplane.defaultRoutes
    .get(inDocker(uuid)?.pid ?? -1)
    ?.map(({ via, macAddress }) => [via, macAddress]);

async function run(networks: readonly WantedNetwork[]): Promise<string> {
  const uuid = world.addContainer(networks);
  assert.equal((await outcome(uuid, world.server.ask(uuid, 'create'))).result, 'success');
  return uuid;
}

async function change(
  uuid: string,
  verb: 'network_attach' | 'network_detach',
  nics: WantedContainer['nics'],
): Promise<void> {
  const ended = await outcome(uuid, world.server.ask(uuid, verb, { nics }));
  assert.equal(ended.result, 'success', ended.message);
}

const gatewayNetwork = (n: number) =>
  world.addNetwork({
    subnets: [
      {
        id: `0000000${n}-0000-4000-8000-000000000000`,
        ipVersion: 4,
        cidr: `10.0.${n}.0/24`,
        gatewayIp: `10.0.${n}.1`,
        dnsNameservers: [],
        hostRoutes: [],
      },
    ],
  });

test('a running container joins and leaves networks, and its default route follows', async () => {
  const [a, b] = [gatewayNetwork(1), gatewayNetwork(2)];
  const uuid = await run([a]);
  const [first] = nicsOf(uuid);
  assert.ok(first);
  assert.equal(routesOf(uuid), undefined, 'Docker alone does it for a container of one network');
  const second = world.addPort(b.id, uuid, 1);
  await change(uuid, 'network_attach', [first, second]);
  assert.deepEqual(networksOf(uuid), [nameOf(a), nameOf(b)]);
  assert.deepEqual(routesOf(uuid), [['10.0.1.1', first.macAddress]]);
  await change(uuid, 'network_detach', [second]);
  assert.deepEqual(networksOf(uuid), [nameOf(b)]);
  assert.deepEqual(routesOf(uuid), [['10.0.2.1', second.macAddress]]);
  await change(uuid, 'network_detach', []);
  assert.deepEqual([networksOf(uuid), routesOf(uuid)], [['none'], []]);
  const third = { ...world.addPort(a.id, uuid, 2), defaultGateway: true };
  await change(uuid, 'network_attach', [world.addPort(b.id, uuid, 3), third]);
  assert.deepEqual(networksOf(uuid), [nameOf(b), nameOf(a)]);
  assert.deepEqual(routesOf(uuid), [['10.0.1.1', third.macAddress]]);
  assert.equal(inDocker(uuid)?.starts, 1);
});

test('another port on the same network takes the place of the first', async () => {
  const a = gatewayNetwork(1);
  const uuid = await run([a]);
  const other = world.addPort(a.id, uuid, 5);
  await change(uuid, 'network_attach', [other]);
  assert.equal(inDocker(uuid)?.endpoints.get(nameOf(a))?.DriverOpts['neutron.port.uuid'], other.portId);
});

test('a stopped container is connected for its next start', async () => {
  const [a, b] = [gatewayNetwork(1), gatewayNetwork(2)];
  const uuid = await run([a]);
  await outcome(uuid, world.server.ask(uuid, 'stop', { power: 'stopped' }));
  await change(uuid, 'network_attach', [...nicsOf(uuid), world.addPort(b.id, uuid, 1)]);
  assert.deepEqual(networksOf(uuid), [nameOf(a), nameOf(b)]);
  assert.equal(routesOf(uuid), undefined);
  await outcome(uuid, world.server.ask(uuid, 'start', { power: 'running' }));
  await until('its routes are set', async () => routesOf(uuid)?.length === 1, soon);
});

test('kuryr gives the gateway of one of several ports, and of none that joins a running container', async () => {
  const [a, b] = [gatewayNetwork(1), gatewayNetwork(2)];
  const given: string[] = [];
  world.engine.onJoin = async (network, { DriverOpts }) => {
    const portId = DriverOpts['neutron.port.uuid'] ?? '';
    if (world.agent?.kuryrBackend.isDefaultGateway(portId, 4)) given.push(network);
  };
  const uuid = await run([a, b]);
  assert.deepEqual(given, [nameOf(a)]);
  const c = gatewayNetwork(3);
  const nic = { ...world.addPort(c.id, uuid, 2), defaultGateway: true };
  await change(uuid, 'network_attach', [...nicsOf(uuid), nic]);
  assert.deepEqual(given, [nameOf(a)]);
  await outcome(uuid, world.server.ask(uuid, 'stop', { power: 'stopped' }));
  await outcome(uuid, world.server.ask(uuid, 'start', { power: 'running' }));
  assert.deepEqual(given, [nameOf(a), nameOf(c)]);
});

for (const call of ['findContainer', 'disconnectNetwork', 'connectNetwork', 'createNetwork'] as const) {
  test(`a change of networks goes on when Docker was away at ${call}`, async () => {
    const [a, b] = [gatewayNetwork(1), gatewayNetwork(2)];
    const uuid = await run([a]);
    world.engine.failNext(call, new Failure('docker-unavailable', 'away'));
    await change(uuid, 'network_attach', [world.addPort(b.id, uuid, 1)]);
    assert.deepEqual(networksOf(uuid), [nameOf(b)]);
  });

  test(`a change of networks that a crash of the agent at ${call} left half done is completed`, async () => {
    const [a, b] = [gatewayNetwork(1), gatewayNetwork(2)];
    const uuid = await run([a]);
    const reached = Promise.withResolvers<void>();
    const real = world.engine[call].bind(world.engine) as (...args: unknown[]) => Promise<unknown>;
    let isFirst = true;
    const dying = async (...args: unknown[]) => {
      if (!isFirst) return real(...args);
      isFirst = false;
      reached.resolve();
      throw new Failure('docker-unavailable', 'the agent dies here');
    };
    Object.assign(world.engine, { [call]: dying });
    const nics = [world.addPort(b.id, uuid, 1)];
    const operation = world.server.ask(uuid, 'network_attach', { nics });
    await reached.promise;
    await world.stop();
    await world.start();
    assert.equal((await outcome(uuid, operation)).result, 'success');
    assert.deepEqual(networksOf(uuid), [nameOf(b)]);
    assert.deepEqual(routesOf(uuid), [['10.0.2.1', nics[0]?.macAddress]]);
  });
}

test('what Docker refuses fails the operation; the networks that the server then wants are brought back', async () => {
  const [a, b] = [gatewayNetwork(1), gatewayNetwork(2)];
  const uuid = await run([a]);
  const before = nicsOf(uuid);
  world.dataplane.setDefaultRoutes = async () => {
    throw new Failure('kernel-error', 'no luck');
  };
  const nics = [...before, world.addPort(b.id, uuid, 1)];
  const ended = await outcome(uuid, world.server.ask(uuid, 'network_attach', { nics }));
  assert.deepEqual([ended.result, ended.message], ['error', 'no luck']);
  assert.deepEqual(networksOf(uuid), [nameOf(a), nameOf(b)], 'Docker had it already');
  Reflect.deleteProperty(world.dataplane, 'setDefaultRoutes');
  world.server.row(uuid).wanted = { ...world.server.row(uuid).wanted, nics: before };
  world.server.wake({ containers: [uuid] });
  await until('it has left again', async () => networksOf(uuid).join() === nameOf(a), soon);
  assert.equal(inDocker(uuid)?.starts, 1);
});
