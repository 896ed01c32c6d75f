import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aGroup, aNetwork, aPort, aRouter, aRule } from '../../test/helpers/wanted-network.ts';
import { silentLog } from '../base/log.ts';
import { FakeKernel } from '../host/fake.ts';
import { containerLink, networkNamespace, portLink, routerNamespace } from '../model/host-names.ts';
import type { WantedNetwork } from '../wire/host-network.ts';
import { Dataplane } from './dataplane.ts';

const instance = 'abcd';
const group = aGroup([aRule('ingress', 4)]);
const first = aPort('10.0.0.11', { securityGroupIds: [group.id] });
const second = aPort('10.0.0.12', { securityGroupIds: [group.id] });
const id = crypto.randomUUID();
const netns = networkNamespace(instance, id);
const router = aRouter(id, ['10.0.0.1/24'], {
  gateway: {
    networkId: 'external',
    portId: crypto.randomUUID(),
    macAddress: 'fa:16:3e:00:02:01',
    mtu: 1500,
    addresses: ['172.24.4.5/24'],
    nexthops: ['172.24.4.1'],
  },
});
const network = aNetwork({ id, ports: [first], securityGroups: [group], routers: [router] });
const wider = { ...network, ports: [first, second] };

const endpoint = { portId: first.id, endpointId: 'endpoint' };
const dataplaneOn = (kernel: FakeKernel) => new Dataplane({ kernel, instance, log: silentLog() });

/**
 * Breaks each step of the operation in turn and calls `check` where the operation failed; returns how many steps there
 * were. A single broken step may be made good on the way.
 */
async function failEverywhere(
  prepare: (dataplane: Dataplane) => Promise<unknown>,
  operate: (dataplane: Dataplane) => Promise<unknown>,
  check: (kernel: FakeKernel, before: readonly string[]) => void,
): Promise<number> {
  for (let at = 1; ; at += 1) {
    const kernel = new FakeKernel();
    const dataplane = dataplaneOn(kernel);
    await prepare(dataplane);
    const before = kernel.leftovers().sort();
    const count = kernel.applied.length;
    kernel.failAt(at);
    const failed = await operate(dataplane).then(
      () => false,
      () => true,
    );
    if (failed) check(kernel, before);
    else if (kernel.applied.length - count < at) return at - 1;
  }
}

const nothing = () => Promise.resolve();
const asBefore = (kernel: FakeKernel, before: readonly string[]) =>
  assert.deepEqual(kernel.leftovers().sort(), before);

test('the first plug of a network leaves nothing behind, whichever step fails', async () => {
  const steps = await failEverywhere(nothing, (dataplane) => dataplane.plug(network, endpoint), asBefore);
  assert.ok(steps > 20, `${steps} steps`);
});

test('converging a new network leaves nothing behind, whichever step fails', async () => {
  const steps = await failEverywhere(nothing, (dataplane) => dataplane.converge(network), asBefore);
  assert.ok(steps > 20, `${steps} steps`);
});

test('a change that fails is applied as a whole, so that one failure is no failure', async () => {
  for (const at of [1, 2, 3]) {
    const kernel = new FakeKernel();
    const dataplane = dataplaneOn(kernel);
    await dataplane.plug(network, endpoint);
    kernel.failAt(at);
    await dataplane.plug(wider, { portId: second.id, endpointId: 'other' });
    assert.deepEqual((await dataplane.activePorts()).length, 2);
  }
});

test('a plug that fails for good takes back its own veth pair and nothing else', async () => {
  const kernel = new FakeKernel();
  const dataplane = dataplaneOn(kernel);
  await dataplane.plug(network, endpoint);
  const before = kernel.leftovers().sort();
  const never = { mtu: 1450, netns, name: portLink(second.id) };
  const breaks = () =>
    kernel.failAt((step) => {
      if (step.do !== 'set-link' || step.name !== never.name) return false;
      // Once only, says the fake; so again for the second try.
      queueMicrotask(breaks);
      return true;
    });
  breaks();
  await assert.rejects(
    dataplane.plug(wider, { portId: second.id, endpointId: 'other' }),
    /broken on purpose/,
  );
  kernel.failAt(undefined);
  assert.deepEqual(kernel.leftovers().sort(), before);
});

test('rules stand before the link is up, and bridge and MTU are set before', async () => {
  const kernel = new FakeKernel();
  await dataplaneOn(kernel).plug(network, endpoint);
  const names = kernel.applied.map((step) => `${step.do} ${'name' in step ? step.name : ''}`.trim());
  const rules = names.indexOf('nft');
  const pair = names.indexOf(`ensure-veth ${portLink(first.id)}`);
  const up = kernel.applied.findIndex((step) => step.do === 'set-link' && step.name === portLink(first.id));
  assert.ok(rules < pair && pair < up, names.join(', '));
  const step = kernel.applied[up];
  assert.deepEqual(step, { do: 'set-link', netns, name: portLink(first.id), bridge: 'br0', up: true });
});

test('one more port is one small transaction, a link and its announcement', async () => {
  const kernel = new FakeKernel();
  const dataplane = dataplaneOn(kernel);
  await dataplane.plug(network, endpoint);
  const count = kernel.applied.length;
  await dataplane.plug(wider, { portId: second.id, endpointId: 'other' });
  const added = kernel.applied.slice(count);
  assert.deepEqual(
    added.map((step) => step.do),
    ['nft', 'ensure-veth', 'set-link', ...second.fixedIps.map(() => 'send-frame')],
  );
  const script = kernel.scripts(netns).at(-1) ?? '';
  assert.doesNotMatch(script, /delete table/);
  assert.doesNotMatch(script, new RegExp(portLink(first.id)));
});

test('what did not change is not applied again, except by a repair', async () => {
  const kernel = new FakeKernel();
  const dataplane = dataplaneOn(kernel);
  await dataplane.converge(network);
  const count = kernel.applied.length;
  await dataplane.converge(network);
  assert.equal(kernel.applied.length, count);
  await dataplane.repair(network);
  assert.ok(kernel.applied.length > count + 10);
});

test('what is wanted is asked for in the network’s turn, and nothing wanted removes it', async () => {
  const kernel = new FakeKernel();
  const dataplane = dataplaneOn(kernel);
  let wanted: WantedNetwork | undefined = { ...network, routers: [] };
  const source = { id, read: async () => wanted };
  const slow = dataplane.plug(source, endpoint);
  wanted = undefined;
  await assert.rejects(slow, /not wanted on this host/);
  assert.deepEqual(kernel.leftovers(), []);
});

test('a port that the network does not have cannot be plugged', async () => {
  const kernel = new FakeKernel();
  const strange = { portId: crypto.randomUUID(), endpointId: 'endpoint' };
  await assert.rejects(dataplaneOn(kernel).plug(network, strange), /has no port/);
  assert.deepEqual(kernel.leftovers(), []);
});

test('ports are found again by a new process, whoever has the container’s end', async () => {
  const kernel = new FakeKernel();
  await dataplaneOn(kernel).plug(network, endpoint);
  const restarted = dataplaneOn(kernel);
  const plugged = { ...endpoint, netns, link: portLink(first.id) };
  assert.deepEqual(await restarted.activePorts(), [{ ...plugged, isTaken: false }]);
  kernel.takeLink(containerLink(first.id));
  assert.deepEqual(await restarted.activePorts(), [{ ...plugged, isTaken: true }]);
  await restarted.unplug({ portId: first.id, endpointId: 'another' });
  assert.equal((await restarted.activePorts()).length, 1);
  await restarted.unplug(endpoint);
  await restarted.unplug(endpoint);
  assert.deepEqual(await restarted.activePorts(), []);
});

test('a port or a router that is no longer wanted loses its link', async () => {
  const kernel = new FakeKernel();
  const dataplane = dataplaneOn(kernel);
  await dataplane.plug(network, endpoint);
  await dataplane.converge({ ...network, ports: [], routers: [] });
  const links = (await kernel.links(netns)).map(({ name }) => name);
  assert.deepEqual(links, ['lo', 'br0']);
});

test('a router goes with the last of its networks', async () => {
  const kernel = new FakeKernel();
  const dataplane = dataplaneOn(kernel);
  const other = aNetwork({ id: crypto.randomUUID(), routers: [router] });
  await dataplane.converge(network);
  await dataplane.converge(other);
  const isThere = async () => (await kernel.namespaces()).includes(routerNamespace(instance, router.id));
  await dataplane.forget(id);
  assert.equal(await isThere(), true);
  await dataplane.forget(other.id);
  assert.equal(await isThere(), false);
  assert.deepEqual(kernel.leftovers(), []);
});

test('a sweep removes what an earlier process left, and spares what this one converged', async () => {
  const kernel = new FakeKernel();
  await dataplaneOn(kernel).plug(network, endpoint);
  const restarted = dataplaneOn(kernel);
  await restarted.converge(network);
  assert.deepEqual(await restarted.sweep([], []), []);
  const third = dataplaneOn(kernel);
  assert.deepEqual(await third.sweep([id], [router.id]), []);
  const strangers = new Dataplane({ kernel, instance: 'ffff', log: silentLog() });
  assert.deepEqual(await strangers.sweep([], []), [], 'another installation’s');
  assert.equal((await third.sweep([], [])).length, 3);
  assert.deepEqual(kernel.leftovers(), []);
});
