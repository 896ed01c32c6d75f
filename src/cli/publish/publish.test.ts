/** Publishing against the cloud in memory: what is made, what a failure leaves, what is taken back. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withCloud } from '../../../test/helpers/command-line.ts';
import { publishedTag } from '../../model/published.ts';
import { publishAskOf, publishAsksOf } from './ask.ts';

type World = Awaited<ReturnType<typeof withCloud>>;

/** A container `web` on a network with a router that has a gateway, and a port of somebody else's making. */
async function withContainer(): Promise<World> {
  const world = await withCloud();
  const { fake, berth } = world;
  fake.objects.networks = [
    { id: 'ext', name: 'public', 'router:external': true },
    { id: 'n1', name: 'back', subnets: ['s1'] },
  ];
  fake.objects.routers = [
    { id: 'r1', name: 'edge', external_gateway_info: { network_id: 'ext' }, routes: [] },
  ];
  fake.objects.ports = [
    { id: 'l1', network_id: 'n1', device_id: 'r1', device_owner: 'network:router_interface', fixed_ips: [] },
    port('p1', '10.0.0.5'),
    port('p2', '10.0.0.6'),
  ];
  for (const [at, name] of ['web', 'other'].entries()) {
    await berth('run', '-n', name, 'busybox');
    const addr = `10.0.0.${at + 5}`;
    Object.assign(fake.containers[at] ?? {}, {
      addresses: { n1: [{ addr, version: 4, port: `p${at + 1}` }] },
    });
  }
  return world;
}

const port = (id: string, address: string) => ({
  id,
  network_id: 'n1',
  device_id: '',
  device_owner: 'compute:berth',
  security_groups: ['default'],
  fixed_ips: [{ subnet_id: 's1', ip_address: address }],
});

/** What publishing may leave behind, without ids. */
const state = ({ fake }: World) =>
  JSON.stringify([
    fake.objects.floatingips ?? [],
    fake.objects['security-groups'] ?? [],
    fake.objects['security-group-rules'] ?? [],
    Object.entries(fake.objects)
      .filter(([key]) => key.startsWith('port_forwardings/'))
      .flatMap(([, all]) => all),
    fake.objects.ports,
  ]);

test('a port is published on an address of its own, opened for this container only, and taken back', async () => {
  await using world = await withContainer();
  const { fake, berth } = world;
  const before = state(world);
  const { code, stdout, stderr } = await berth('expose', 'web', '80', '53/udp', '-f', 'json');
  assert.equal(code, 0, stderr);
  assert.deepEqual(JSON.parse(stdout), [
    { address: '172.24.4.101:80', port: 80, protocol: 'tcp', container: 'web' },
    { address: '172.24.4.101:53', port: 53, protocol: 'udp', container: 'web' },
  ]);
  const [floating] = fake.objects.floatingips ?? [];
  assert.deepEqual(
    [floating?.port_id, floating?.fixed_ip_address, floating?.floating_network_id, floating?.tags],
    ['p1', '10.0.0.5', 'ext', [publishedTag]],
  );
  const [group] = fake.objects['security-groups'] ?? [];
  assert.deepEqual(fake.objects.ports?.[1]?.security_groups, ['default', group?.id]);
  assert.deepEqual(fake.objects.ports?.[2]?.security_groups, ['default']);
  const opened = (fake.objects['security-group-rules'] ?? []).map(
    ({ ethertype, protocol, port_range_min, direction }) => [direction, ethertype, protocol, port_range_min],
  );
  assert.deepEqual(opened, [
    ['ingress', 'IPv4', 'tcp', 80],
    ['ingress', 'IPv6', 'tcp', 80],
    ['ingress', 'IPv4', 'udp', 53],
    ['ingress', 'IPv6', 'udp', 53],
  ]);
  const partly = await berth('unexpose', 'web', '53/udp');
  assert.equal(partly.code, 0, partly.stderr);
  assert.equal(fake.objects['security-group-rules']?.length, 2);
  assert.equal(fake.objects.floatingips?.length, 1);
  assert.equal((await berth('unexpose', 'web')).code, 0);
  fake.objects['security-group-rules'] = [];
  assert.equal(state(world), before);
});

test('OUTSIDE:INSIDE shares an address between containers; the last one takes it along', async () => {
  await using world = await withContainer();
  const { fake, berth } = world;
  await berth('expose', 'web', '8080:80');
  await berth('expose', 'other', '8081:80/tcp');
  assert.equal(fake.objects.floatingips?.length, 1);
  const taken = await berth('expose', 'other', '8080:81', '-f', 'json');
  assert.equal(
    JSON.parse(taken.stdout)[0].address,
    '172.24.4.102:8080',
    'a taken port is on another address',
  );
  const again = await berth('expose', 'web', '8080:80', '-f', 'json');
  assert.equal(JSON.parse(again.stdout)[0].address, '172.24.4.101:8080', 'twice is as good as once');
  await berth('unexpose', 'web');
  assert.equal(fake.objects.floatingips?.length, 2);
  await berth('unexpose', 'other');
  assert.deepEqual([fake.objects.floatingips, fake.objects['security-groups']], [[], []]);
});

test('a failure at any step takes back what was made', async () => {
  for (const ports of [['80'], ['8080:80', '5353:53/udp']]) {
    for (let at = 1; ; at += 1) {
      await using world = await withContainer();
      const before = state(world);
      world.fake.failChange = at;
      const { code, stderr } = await world.berth('expose', 'web', ...ports);
      world.fake.objects['security-group-rules'] ??= [];
      if (code === 0) {
        assert.ok(at > 6, `${at} changes`);
        break;
      }
      assert.match(stderr, /refused by the test/);
      assert.doesNotMatch(stderr, /could not take back/);
      assert.equal(state(world), before, `failed at change ${at} of ${ports}`);
    }
  }
});

test('what publishing did not make is used and stays', async () => {
  await using world = await withContainer();
  const { fake, berth } = world;
  fake.objects.floatingips = [
    { id: 'mine', floating_ip_address: '172.24.4.9', port_id: 'p1', floating_network_id: 'ext', tags: [] },
  ];
  const { stdout } = await berth('expose', 'web', '80', '-f', 'json');
  assert.equal(JSON.parse(stdout)[0].address, '172.24.4.9:80');
  const moved = await berth('expose', 'web', '8080:80');
  assert.match(moved.stderr, /172\.24\.4\.9 to itself.*\npublish 80 as it is/);
  await berth('unexpose', 'web');
  assert.deepEqual(
    fake.objects.floatingips.map(({ id, port_id }) => [id, port_id]),
    [['mine', 'p1']],
  );
});

test('without a way out it says which command would help', async () => {
  await using world = await withContainer();
  const { fake, berth } = world;
  Object.assign(fake.objects.routers?.[0] ?? {}, { external_gateway_info: null });
  const closed = await berth('expose', 'web', '80');
  assert.match(closed.stderr, /router edge of network back has no way out\n.*berth router gateway set edge/);
  fake.objects.ports = (fake.objects.ports ?? []).slice(1);
  const alone = await berth('expose', 'web', '80');
  assert.match(alone.stderr, /network back has no router.*\nmake one: berth router create --gateway/);
  assert.equal(alone.code, 1);
  assert.match((await berth('unexpose', 'web', '80')).stderr, /80\/tcp of web is not published/);
  const refused = await berth('run', '--net', 'network=back', '--publish', '80', '-n', 'third', 'busybox');
  assert.match(refused.stderr, /network back has no router/);
  assert.equal(fake.containers.length, 2, 'nothing was made');
});

test('with the container goes what publishing made for it, and nothing else', async () => {
  await using world = await withContainer();
  const { fake, berth } = world;
  await berth('floating-ip', 'create');
  await berth('expose', 'web', '8080:80');
  await berth('expose', 'other', '80');
  assert.equal((await berth('delete', 'web')).code, 0);
  assert.equal(fake.objects.floatingips?.length, 2);
  assert.equal((await berth('delete', 'other')).code, 0);
  assert.deepEqual(
    fake.objects.floatingips?.map(({ tags }) => tags),
    [[]],
  );
  assert.deepEqual(fake.objects['security-groups'], []);
});

test('run publishes at once and says where', async () => {
  await using world = await withContainer();
  const refused = await world.berth('run', '--no-wait', '--publish', '80', 'busybox');
  assert.equal(refused.code, 2);
  // In memory a new container has no address: it stays, and what to do is said.
  const { code, stderr } = await world.berth('run', '-n', 'third', '--publish', '8080:80', 'busybox');
  assert.equal(code, 1);
  assert.match(stderr, /third: runs, but is not published; try again with: berth expose third/);
  assert.match(stderr, /third has no IPv4 address/);
  assert.equal(world.fake.containers.length, 3);
});

test('ports are written as docker writes them', () => {
  assert.deepEqual(publishAskOf('8080:80'), {
    outside: 8080,
    inside: 80,
    protocol: 'tcp',
    isForwarded: true,
  });
  assert.deepEqual(publishAskOf('53/udp'), { outside: 53, inside: 53, protocol: 'udp', isForwarded: false });
  for (const wrong of ['', '0', '65536', '80:', ':80', '80/sctp', '127.0.0.1:80:80', '80-90', 'http']) {
    assert.throws(() => publishAskOf(wrong), /expected PORT or OUTSIDE:INSIDE/, wrong);
  }
  assert.throws(() => publishAsksOf(['80:1', '80:2']), /published twice/);
});
