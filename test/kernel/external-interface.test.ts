/** The external network on a link of the host: the gateway is a machine out there, and the host has no part in it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLog } from '../../src/base/log.ts';
import { Dataplane } from '../../src/network/dataplane.ts';
import { enterPrivateNetwork } from '../helpers/private-network.ts';
import { reaches, routerWorld } from '../helpers/router-world.ts';
import { serveTalk } from '../helpers/talk.ts';
import { until } from '../helpers/until.ts';
import { tool } from '../helpers/wired-container.ts';

enterPrivateNetwork();

/** A machine on a cable, with the external network's gateway address. */
const world = routerWorld(async () => {
  await tool('ip', 'netns', 'add', 'provider');
  await tool('ip', 'link', 'add', 'cable', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', 'provider');
  await tool('sh', '-c', 'echo 1 >/proc/sys/net/ipv6/conf/cable/disable_ipv6');
  await tool('ip', 'link', 'set', 'cable', 'up');
  await tool('ip', '-n', 'provider', 'address', 'add', '172.24.4.1/24', 'dev', 'eth0');
  await tool('ip', '-n', 'provider', 'address', 'add', '2001:db8:4::1/64', 'dev', 'eth0', 'nodad');
  await tool('ip', '-n', 'provider', 'link', 'set', 'eth0', 'up');
});

const floating = [{ id: crypto.randomUUID(), address: '172.24.4.101', fixedAddress: '10.0.0.11' }];
const through = (externalInterface: string) =>
  new Dataplane({ kernel: world.kernel, instance: world.instance, log: silentLog(), externalInterface });

test('routers are on the link itself, with the real gateway, in both families', async () => {
  world.dataplane = through('cable');
  const { container, network } = await world.tenant(11, { floatingIps: floating });
  const plain = await world.tenant(12);
  await reaches(container, '172.24.4.1');
  await reaches(container, '2001:db8:4::1');
  assert.doesNotMatch(await tool('ip', 'address'), /172\.24\.4\./, 'the host has no address there');
  world.keep(await serveTalk('provider', [7000]));
  world.keep(await serveTalk(container.netns, [80]));
  const seenAs = async (netns: string) =>
    (await until('connected', () => world.talk(netns, '172.24.4.1', 7000))).seenAs;
  assert.equal(await seenAs(container.netns), '172.24.4.101');
  assert.equal(await seenAs(plain.container.netns), '172.24.4.12');
  assert.equal((await until('in', () => world.talk('provider', '172.24.4.101', 80))).seenAs, '172.24.4.1');
  // Under another configuration the link is given back.
  world.dataplane = world.anew();
  await world.dataplane.repair(network);
  assert.doesNotMatch(await tool('ip', 'link', 'show', 'cable'), /master/);
});

test('a link with the host’s own addresses is not taken', async () => {
  world.dataplane = through('docker9');
  await assert.rejects(world.tenant(11), /docker9 has addresses of the host: 172\.31\.0\.1\/24/);
  assert.doesNotMatch(await tool('ip', 'link'), /bx/);
});
