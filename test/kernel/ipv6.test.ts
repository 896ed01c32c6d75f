/** IPv6 through routers: to the outside, translated or as it is, and addresses that containers make themselves. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { enterPrivateNetwork } from '../helpers/private-network.ts';
import { gateway, outside6, reaches, routerWorld } from '../helpers/router-world.ts';
import { serveTalk } from '../helpers/talk.ts';
import { until } from '../helpers/until.ts';
import { aGroup, aNetwork, aPort, aRouter, aRule } from '../helpers/wanted-network.ts';
import { tool, type WiredContainer } from '../helpers/wired-container.ts';

enterPrivateNetwork();
const world = routerWorld();

const seenFrom = async (container: WiredContainer) =>
  (await until('TCP to the outside', () => world.talk(container.netns, outside6, 7000))).seenAs;

test('what leaves is translated, unless the outside knows the prefix', async () => {
  world.keep(await serveTalk('outside', [7000], 6));
  const hidden = await world.tenant(11);
  assert.equal(await seenFrom(hidden.container), '2001:db8:ff::1', 'the host’s address');
  assert.equal(await hidden.container.pings('fd00::1'), true);
  await tool('ip', '-n', 'outside', 'route', 'add', 'fd00::/64', 'via', '2001:db8:ff::1');
  const known = { ...hidden.router, routedPrefixes: ['fd00::/64'] };
  const ask = (address: string) =>
    tool('ip', 'netns', 'exec', 'outside', 'ping', '-n', '-c', '1', '-W', '1', address);
  await assert.rejects(ask('fd00::b'), 'nobody gets in as long as the prefix is not known');
  await world.dataplane.converge({ ...hidden.network, routers: [known] });
  assert.match(await tool('ip', '-6', 'route'), /fd00::\/64 via 2001:db8:4::b dev bx/);
  assert.equal(await seenFrom(hidden.container), 'fd00::b');
  await ask('fd00::b');
  await world.dataplane.converge({ ...hidden.network, routers: [hidden.router] });
  assert.doesNotMatch(await tool('ip', '-6', 'route'), /fd00::\/64 via/);
  await assert.rejects(ask('fd00::b'));
  await tool('ip', '-n', 'outside', 'route', 'del', 'fd00::/64');
});

test('a machine that learns its way out by advertisements goes on doing so', async () => {
  const forwarding = '/proc/sys/net/ipv6/conf/all/forwarding';
  await tool('sh', '-c', `echo 0 >${forwarding}; echo 1 >/proc/sys/net/ipv6/conf/outside/accept_ra`);
  const { container } = await world.tenant(11);
  await reaches(container, outside6);
  const listening = async (link: string) =>
    (await tool('cat', `/proc/sys/net/ipv6/conf/${link}/accept_ra`)).trim();
  assert.deepEqual([await listening('outside'), await listening('docker9')], ['2', '1']);
});

test('containers make the address of their MAC and find the way out by advertisements', async () => {
  const group = aGroup([aRule('ingress', 4), aRule('ingress', 6)]);
  const own = '2001:db8:1:0:f816:3eff:fe00:b';
  const port = {
    ...aPort('10.0.0.11', { securityGroupIds: [group.id] }),
    fixedIps: [{ address: own, subnetId: 'v6', version: 6 as const }],
  };
  const id = crypto.randomUUID();
  const [leg] = aRouter(id, ['2001:db8:1::1/64']).interfaces;
  assert.ok(leg);
  const advertised = [{ prefix: '2001:db8:1::/64', mode: 'slaac' as const }];
  const router = aRouter(id, [], { gateway: gateway(11), interfaces: [{ ...leg, advertised }] });
  const network = aNetwork({ id, ports: [port], securityGroups: [group], routers: [router], mtu: 1400 });
  await world.dataplane.converge({ ...network, ports: [] });
  const { linkName } = await world.dataplane.plug(network, { portId: port.id, endpointId: 'endpoint' });
  const netns = `slaac-${world.instance}`;
  await tool('ip', 'netns', 'add', netns);
  world.keep({ stop: () => tool('ip', 'netns', 'delete', netns) });
  await tool('ip', 'link', 'set', linkName, 'netns', netns, 'name', 'eth0');
  await tool('ip', '-n', netns, 'link', 'set', 'eth0', 'up');
  const shown = (...what: string[]) => tool('ip', '-n', netns, '-6', ...what);
  await until('the address of its MAC', async () => (await shown('address')).includes(`${own}/64`));
  await until('a way out', async () =>
    /default via fe80::f816:3eff:fe00:101 dev eth0 proto ra/.test(await shown('route')),
  );
  const pings = () => tool('ip', 'netns', 'exec', netns, 'ping', '-n', '-c', '1', '-W', '1', outside6);
  await until('the outside answers', async () => (await pings()).includes('1 received'));
  const silent = { ...router, interfaces: [{ ...leg, advertised: [] }] };
  await world.dataplane.converge({ ...network, routers: [silent] });
  await until('the way out is taken back', async () => !(await shown('route')).includes('default'));
});
