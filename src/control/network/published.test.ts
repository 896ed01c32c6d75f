/** What publishing made goes with the container, whoever deletes it; what was somebody's own stays. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTestNetwork, type TestNetwork, testCaller } from '../../../test/helpers/network-control.ts';
import { publishedGroupName, publishedTag } from '../../model/published.ts';

const demo = testCaller('demo');
const admin = testCaller('infra', { isAdmin: true });
const [web, other] = ['11111111-1111-4111-8111-111111111111', '22222222-2222-4222-8222-222222222222'];

/** A network of `demo` with a router that has a way out, and a container's port on it for each uuid. */
async function withWayOut({ control }: TestNetwork) {
  const [outside] = await control.networks.create(admin, [{ name: 'public', external: true }]);
  const [inside] = await control.networks.create(demo, [{ name: 'back' }]);
  assert.ok(outside && inside);
  await control.subnets.create(admin, [{ networkId: outside.id, cidr: '172.24.4.0/24' }]);
  const [subnet] = await control.subnets.create(demo, [{ networkId: inside.id, cidr: '10.0.0.0/24' }]);
  const [router] = await control.routers.create(demo, [{ name: 'edge', gateway: { networkId: outside.id } }]);
  assert.ok(subnet && router);
  await control.routers.addInterface(demo, router.id, { subnetId: subnet.id });
  const portOf = async (containerUuid: string, portId?: string) => {
    const nic = await control.networking.ensurePort({
      projectId: 'demo',
      containerUuid,
      containerName: containerUuid.slice(0, 4),
      dnsName: '',
      host: 'h1',
      net: { index: 0, networkId: inside.id, ...(portId ? { portId } : {}) },
      securityGroupIds: null,
    });
    return nic.portId;
  };
  /** As the command line makes it: an address, then the mark. */
  const floating = async (portId: string | null, isPublished: boolean) => {
    const [made] = await control.floatingIps.create(demo, [{ floatingNetworkId: outside.id, portId }]);
    assert.ok(made);
    if (isPublished) await control.resources.tags.add(demo, 'floatingips', made.id, publishedTag);
    return made.id;
  };
  const forward = (floatingIpId: string, internalPortId: string, externalPort: number) =>
    control.portForwardings.create(demo, floatingIpId, [
      { protocol: 'tcp', externalPort, internalPort: 80, internalPortId },
    ]);
  const ids = async () => (await control.floatingIps.list(demo)).map(({ id }) => id);
  return { inside, portOf, floating, forward, ids };
}

async function group({ control }: TestNetwork, containerUuid: string, isPublished: boolean): Promise<string> {
  const [made] = await control.securityGroups.create(demo, [{ name: publishedGroupName(containerUuid) }]);
  assert.ok(made);
  if (isPublished) await control.resources.tags.add(demo, 'security-groups', made.id, publishedTag);
  return made.id;
}

test('a published address goes with its container, another one leads nowhere and stays', async () => {
  await using world = await createTestNetwork();
  const { portOf, floating, ids } = await withWayOut(world);
  await floating(await portOf(web), true);
  const own = await floating(await portOf(other), false);
  await world.control.networking.releasePorts(web);
  await world.control.networking.releasePorts(other);
  assert.deepEqual(await ids(), [own]);
  assert.equal((await world.control.floatingIps.get(demo, own)).portId, null);
});

test('a shared address goes with the last container that it leads to', async () => {
  await using world = await createTestNetwork();
  const { portOf, floating, forward, ids } = await withWayOut(world);
  const shared = await floating(null, true);
  await forward(shared, await portOf(web), 8080);
  await forward(shared, await portOf(other), 8081);
  await world.control.networking.releasePorts(web);
  assert.deepEqual(await ids(), [shared]);
  const [left, ...more] = await world.control.portForwardings.list(demo, shared);
  assert.deepEqual([left?.externalPorts.from, more], [8081, []]);
  await world.control.networking.releasePorts(other);
  assert.deepEqual(await ids(), []);
});

test('a port that was the user’s own is freed without what publishing put on it', async () => {
  await using world = await createTestNetwork();
  const { control } = world;
  const { inside, portOf, floating, ids } = await withWayOut(world);
  const [mine] = await control.ports.create(demo, [{ networkId: inside.id }]);
  assert.ok(mine);
  await portOf(web, mine.id);
  await floating(mine.id, true);
  const opened = await group(world, web, true);
  await control.ports.update(demo, mine.id, { securityGroupIds: [...mine.securityGroupIds, opened] });
  await control.networking.releasePorts(web);
  await control.networking.releaseExposedGroup('demo', web);
  assert.deepEqual(await ids(), []);
  assert.deepEqual((await control.ports.get(demo, mine.id)).securityGroupIds, mine.securityGroupIds);
  const groups = await control.securityGroups.list(demo);
  assert.ok(!groups.some(({ id }) => id === opened));
});

test('a group of that name without the mark is somebody’s own', async () => {
  await using world = await createTestNetwork();
  const own = await group(world, web, false);
  await world.control.networking.releaseExposedGroup('demo', web);
  assert.equal((await world.control.securityGroups.get(demo, own)).id, own);
});
