/** Drivers of another maker: the contract of all drivers on a plugin that knows Docker's protocol and nothing of Berth. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { Plugins } from '../../../src/cnm/drivers/remote/plugins.ts';
import { isFailure } from '../../../src/model/failure.ts';
import { testDriverContract } from '../../cnm-contract.ts';
import { CnmHost } from '../../helpers/cnm-host.ts';
import { ForeignPlugin } from '../../helpers/foreign-plugin.ts';
import { enterPrivateNetwork } from '../../helpers/private-network.ts';

enterPrivateNetwork();

const plugin = new ForeignPlugin();
let host: CnmHost;
let plugins: Plugins;

before(async () => {
  await plugin.listen('/run/docker/plugins/foreign.sock');
  plugins = new Plugins(undefined, { pausesMs: [] });
  host = await CnmHost.start({
    drivers: () => [],
    plugins: { driver: (name) => plugins.driver(name), ipam: (name) => plugins.ipam(name) },
  });
});
after(async () => {
  await host.stop();
  await plugins.close();
  await plugin.close();
});
beforeEach(() => {
  plugin.answers.clear();
  assert.equal(plugin.inventory, 0, 'the plugin holds nothing any more');
});

const draft = (number: number) => ({
  name: `net${number}`,
  driver: 'foreign',
  ipamDriver: 'foreign',
  pools: [{ cidr: `10.4${number}.0.0/24` }, { cidr: `fd4${number}::/64` }],
});

testDriverContract(() => host, { name: 'remote', has6: true, isolates: false, draft });

test('remote: what the plugin is told', async () => {
  const net = await host.controller.createNetwork({ ...draft(1), options: { color: 'red' }, internal: true });
  const publish = [{ protocol: 'tcp', containerPort: 80, hostAddress: null, hostPort: 8080 }] as const;
  await host.attach('a', net.id, { publish, options: { 'x.y': 'z' } });
  await host.clear();
  const told = (method: string) => plugin.calls.findLast((call) => call.method === method)?.body;
  const created = told('NetworkDriver.CreateNetwork');
  assert.deepEqual(created.Options, {
    'com.docker.network.enable_ipv6': true,
    'com.docker.network.generic': { color: 'red' },
    'com.docker.network.internal': true,
  });
  assert.equal(created.IPv4Data[0].Gateway, '10.41.0.1/24');
  assert.deepEqual(told('NetworkDriver.CreateEndpoint').Options, { 'x.y': 'z' });
  assert.match(told('NetworkDriver.CreateEndpoint').Interface.MacAddress, /^02:42:/);
  assert.match(told('NetworkDriver.Join').SandboxKey, /^\/run\/netns\/cnm-/);
  assert.equal(told('NetworkDriver.Join').Options['com.docker.network.portmap'][0].HostPort, 8080);
  assert.equal(told('IpamDriver.ReleaseAddress').Address.includes('/'), false);
});

test('remote: a plugin’s errors are told in its words and leave nothing; nonsense is refused', async () => {
  const before = await host.traces();
  for (const [method, answer, words] of [
    [
      'IpamDriver.RequestPool',
      { status: 500, body: { Err: 'no pools today' } },
      /IpamDriver\.RequestPool: no pools today/,
    ],
    ['IpamDriver.RequestPool', { status: 200, body: { Error: 'none' } }, /remote: none/],
    ['IpamDriver.RequestPool', { status: 200, body: { PoolID: 'x', Pool: 'ten' } }, /pool "ten"/],
    ['IpamDriver.RequestAddress', { status: 200, body: {} }, /No address returned/],
    ['NetworkDriver.CreateNetwork', { status: 500, body: 'plain text' }, /plain text/],
    [
      'NetworkDriver.CreateEndpoint',
      { status: 200, body: { Interface: { Address: '10.1.1.1/24' } } },
      /driver modified interface address/,
    ],
    ['NetworkDriver.CreateEndpoint', { status: 200, body: '' }, /no JSON object/],
    [
      'NetworkDriver.Join',
      { status: 200, body: { InterfaceName: { SrcName: '../../x', DstPrefix: 'eth' } } },
      /SrcName/,
    ],
    ['NetworkDriver.Join', { status: 200, body: { Gateway: 'there' } }, /Gateway "there"/],
    [
      'NetworkDriver.Join',
      { status: 200, body: { InterfaceName: { SrcName: 'nothing', DstPrefix: 'eth' } } },
      /no link "nothing"/,
    ],
  ] as const) {
    plugin.answers.set(method, answer);
    const work = host.controller.createNetwork(draft(1)).then((net) => host.attach('a', net.id));
    await assert.rejects(work, (error) => {
      assert.ok(isFailure(error), String(error));
      assert.match(error.message, words);
      return true;
    });
    plugin.answers.clear();
    await host.clear();
    assert.equal(await host.traces(), before, method);
    assert.equal(plugin.inventory, 0, method);
  }
});

test('remote: publishing that a plugin does not implement is no error; what is not a driver is told', async () => {
  plugin.answers.set('NetworkDriver.ProgramExternalConnectivity', { status: 404, body: { Err: 'unknown' } });
  const net = await host.controller.createNetwork(draft(1));
  const publish = [{ protocol: 'tcp', containerPort: 80, hostAddress: null, hostPort: 8080 }] as const;
  await host.attach('a', net.id, { publish });
  await host.clear();
  await assert.rejects(host.controller.createNetwork({ name: 'x', driver: 'nobody' }), (error) =>
    isFailure(error, 'driver-not-found'),
  );
});
