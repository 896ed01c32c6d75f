import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTestNetwork, testCaller } from '../../../test/helpers/network-control.ts';
import { isFailure } from '../../model/failure.ts';

const failsWith = (code: string) => (error: unknown) => isFailure(error) && error.code === code;

test('a container gets a port on the default network, once, and gives it back', async () => {
  await using world = await createTestNetwork();
  const { control, wakes } = world;
  const demo = testCaller('demo');
  const [network] = await control.networks.create(demo, [{ name: 'net' }]);
  assert.ok(network);
  await control.subnets.create(demo, [{ networkId: network.id, cidr: '10.0.0.0/24' }]);
  const [net] = await control.networking.resolveNets(demo, [], { mayAttachExternal: false });
  assert.deepEqual(net, { networkId: network.id });
  const request = {
    projectId: 'demo',
    containerUuid: '11111111-1111-4111-8111-111111111111',
    containerName: 'web',
    host: 'h1',
    index: 0,
    net,
    securityGroupIds: null,
  };
  const nics = await Promise.all([
    control.networking.ensurePort(request),
    control.networking.ensurePort(request),
  ]);
  assert.deepEqual(nics[0], nics[1]);
  assert.equal(nics[0]?.fixedIps[0]?.address, '10.0.0.2');
  assert.equal(nics[0]?.preserveOnDelete, false);
  assert.deepEqual(wakes.at(-1), { host: 'h1', networks: [network.id] });
  assert.deepEqual(await control.networking.containersWithPorts(), [request.containerUuid]);
  await control.networking.releasePorts(request.containerUuid);
  await control.networking.releasePorts(request.containerUuid);
  assert.deepEqual(await control.networking.containersWithPorts(), []);
  await control.networks.remove(demo, network.id);
  await assert.rejects(control.networks.get(demo, network.id), failsWith('network-not-found'));
});
