/** The resolver of a network in a real kernel: real clients in containers, real sockets in the network's namespace. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, afterEach, before, test } from 'node:test';
import { silentLog } from '../../src/base/log.ts';
import type { Kernel } from '../../src/host/kernel.ts';
import { openKernel } from '../../src/host/linux.ts';
import { networkBridge, networkNamespace } from '../../src/model/host-names.ts';
import { resolverAddress } from '../../src/model/resolver.ts';
import { toReverseName } from '../../src/names/addresses.ts';
import { Forwarder } from '../../src/names/forwarder.ts';
import { Resolvers } from '../../src/names/resolvers.ts';
import { Dataplane } from '../../src/network/dataplane.ts';
import type { WantedNetwork, WantedPort } from '../../src/wire/host-network.ts';
import { FakeDnsServer } from '../helpers/fake-dns-server.ts';
import { enterPrivateNetwork } from '../helpers/private-network.ts';
import { until } from '../helpers/until.ts';
import { aGroup, aNetwork, aPort, aRule } from '../helpers/wanted-network.ts';
import { tool, WiredContainer } from '../helpers/wired-container.ts';

enterPrivateNetwork();

const instance = randomBytes(2).toString('hex');
const log = silentLog();
const containers: WiredContainer[] = [];
let kernel: Kernel;
let upstream: FakeDnsServer;
let names: Resolvers;
let dataplane: Dataplane;

const restart = () => {
  names = new Resolvers({
    kernel,
    log,
    outside: { forwarder: new Forwarder({ log }), hostServers: () => [upstream.server] },
  });
  dataplane = new Dataplane({ kernel, instance, log, names });
};

before(async () => {
  kernel = await openKernel({ log });
  upstream = await FakeDnsServer.start();
  restart();
});
after(async () => {
  await upstream.close();
  await kernel.close();
});

afterEach(async () => {
  for (const container of containers.splice(0)) await container.stop();
  names.closeAll();
  await new Dataplane({ kernel, instance, log }).sweep([], []);
  assert.deepEqual(await kernel.namespaces(), []);
  restart();
});

/** Nothing is allowed in either direction but what always is. */
const closed = { id: crypto.randomUUID(), stateful: true, rules: [] };

async function start(network: WantedNetwork, port: WantedPort): Promise<WiredContainer> {
  const container = await WiredContainer.start(dataplane, network, { port });
  containers.push(container);
  for (const { version } of port.fixedIps) {
    const args = ['route', 'add', resolverAddress[version], 'dev', 'eth0'];
    await tool('ip', '-n', container.netns, ...(version === 6 ? ['-6', ...args] : args));
  }
  return container;
}

/** What busybox nslookup says, or the fault; `-type=a` and the like. */
const lookUp = (from: WiredContainer, name: string, version: 4 | 6 = 4, type = 'a') =>
  from
    .exec('timeout', '10', 'busybox', 'nslookup', `-type=${type}`, name, resolverAddress[version])
    .catch((error: { stdout?: string }) => `failed: ${error.stdout ?? ''}`);

const answers = (from: WiredContainer, name: string, wanted: RegExp, version: 4 | 6 = 4, type = 'a') =>
  until(`${name} (${type}) is answered`, async () => wanted.test(await lookUp(from, name, version, type)));

function aWorld() {
  const own = { securityGroupIds: [closed.id] };
  const [web, client] = [aPort('10.0.0.11', own), aPort('10.0.0.12', own)];
  const addresses = web.fixedIps.map(({ address }) => address);
  const network = aNetwork({
    ports: [web, client],
    securityGroups: [closed],
    dnsDomain: 'corp.example',
    names: [{ name: 'web', projectId: 'project', addresses }],
    subnets: [
      { id: 'v4', ipVersion: 4, cidr: '10.0.0.0/24', gatewayIp: null, dnsNameservers: [], hostRoutes: [] },
      { id: 'v6', ipVersion: 6, cidr: 'fd00::/64', gatewayIp: null, dnsNameservers: [], hostRoutes: [] },
    ],
  });
  return { network, web, client };
}

test('a container whose groups allow nothing asks over both families, both ways, inside and outside', async () => {
  const { network, client } = aWorld();
  const from = await start(network, client);
  for (const version of [4, 6] as const) {
    await answers(from, 'web.corp.example', /10\.0\.0\.11/, version);
    await answers(from, 'WEB', /fd00::b/i, version, 'aaaa');
    await answers(from, toReverseName('10.0.0.11'), /web\.corp\.example/, version, 'ptr');
    await answers(from, toReverseName('fd00::b'), /web\.corp\.example/, version, 'ptr');
    await answers(from, 'outside.test', /192\.0\.2\.7/, version);
  }
  assert.match(await lookUp(from, 'nobody.corp.example'), /NXDOMAIN/);
  assert.deepEqual(
    upstream.asked.filter((name) => name.includes('corp')),
    [],
  );
});

test('what is too long for a datagram comes by TCP', async () => {
  const { network, client } = aWorld();
  const from = await start(network, client);
  const script = `
    const dns = require('dns').promises;
    const resolver = new dns.Resolver({ timeout: 5000, tries: 1 });
    resolver.setServers(['${resolverAddress[4]}']);
    resolver.resolveTxt('long.test').then((found) => console.log(found.length), (error) => console.log(error.code));
  `;
  await until('the long answer came whole', async () => {
    const said = await from.exec('timeout', '20', process.execPath, '-e', script);
    return said.trim() === '60';
  });
});

test('nothing else in the namespace can be spoken to, whatever the groups allow', async () => {
  const group = aGroup([aRule('ingress', 4), aRule('ingress', 6)]);
  const port = aPort('10.0.0.13', { securityGroupIds: [group.id] });
  const trusted = aPort('10.0.0.14', { portSecurityEnabled: false });
  const network = aNetwork({ ports: [port, trusted], securityGroups: [group] });
  const netns = networkNamespace(instance, network.id);
  for (const from of [await start(network, port), await start(network, trusted)]) {
    await answers(from, 'outside.test', /192\.0\.2\.7/);
    assert.equal(await from.pings(resolverAddress[4]), false);
    assert.equal(await from.pings(resolverAddress[6]), false);
    // A refused connection would be an answer, too.
    const connect = `busybox nc -w 1 ${resolverAddress[4]} 54 </dev/null; echo $?`;
    assert.doesNotMatch(await from.exec('sh', '-c', `(${connect}) 2>&1`), /refused/);
    assert.equal(await from.pings('fe80::1%eth0'), false);
  }
  const links = JSON.parse(await tool('ip', '-n', netns, '-j', 'address', 'show', networkBridge));
  assert.deepEqual(
    links[0].addr_info.map(({ local }: { local: string }) => local),
    [resolverAddress[4], resolverAddress[6]],
  );
});

test('no container can be the resolver, not even with an address pair for everything', async () => {
  const own = { securityGroupIds: [closed.id] };
  const everything = ['0.0.0.0/0', '::/0', resolverAddress[4], resolverAddress[6]];
  const liar = aPort('10.0.0.13', {
    ...own,
    allowedAddressPairs: everything.map((ipAddress) => ({ macAddress: '', ipAddress })),
  });
  const client = aPort('10.0.0.12', own);
  const network = aNetwork({
    ports: [liar, client],
    securityGroups: [closed],
    names: [{ name: 'truth', projectId: 'project', addresses: ['10.0.0.1'] }],
  });
  const [bad, good] = [await start(network, liar), await start(network, client)];
  await answers(bad, 'truth', /10\.0\.0\.1/);
  const neighbour = async () => JSON.parse(await good.exec('ip', '-j', 'neigh', 'show', resolverAddress[4]));
  await answers(good, 'truth', /10\.0\.0\.1/);
  const [{ lladdr: before }] = await neighbour();
  for (const version of [4, 6] as const) {
    const ip = ['ip', ...(version === 6 ? ['-6'] : [])];
    await bad.exec(...ip, 'route', 'del', resolverAddress[version]);
    await bad.exec(
      'ip',
      'address',
      'add',
      `${resolverAddress[version]}/${version === 4 ? 32 : 128}`,
      'dev',
      'eth0',
    );
  }
  await bad
    .exec('busybox', 'arping', '-U', '-c', '2', '-w', '2', '-I', 'eth0', resolverAddress[4])
    .catch(() => '');
  await good.exec('ip', 'neigh', 'flush', 'all');
  for (const version of [4, 6] as const) await answers(good, 'truth', /10\.0\.0\.1/, version);
  assert.equal((await neighbour())[0].lladdr, before);
  const rules = await tool(
    'ip',
    'netns',
    'exec',
    networkNamespace(instance, network.id),
    'nft',
    'list',
    'ruleset',
  );
  assert.doesNotMatch(/chain spoofed \{[^}]*/.exec(rules)?.[0] ?? '', /packets 0 /);
});

test('names change under running containers, and a restart takes over', async () => {
  const { network, client, web } = aWorld();
  const from = await start(network, client);
  await answers(from, 'web', /10\.0\.0\.11/);
  await dataplane.converge({
    ...network,
    names: [{ name: 'db', projectId: 'project', addresses: ['10.0.0.9'] }],
  });
  await answers(from, 'db', /10\.0\.0\.9/);
  assert.match(await lookUp(from, 'web'), /NXDOMAIN/);
  names.closeAll();
  restart();
  await dataplane.repair(network);
  await answers(from, 'web', /10\.0\.0\.11/);
  await dataplane.unplug({ portId: web.id });
  await dataplane.forget(network.id);
  assert.deepEqual(await kernel.namespaces(), [from.netns]);
});
