/**
 * What a CNI runtime asks of the host for a container: ports of the host that lead to it, and limits of its traffic.
 * Who asks from outside comes over the host's uplink, and knows nothing of our networks.
 */
import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { CniRuntime, type Sandbox } from '../helpers/cni-runtime.ts';
import { cniWorld, refusesWith } from '../helpers/cni-world.ts';
import { testCaller } from '../helpers/network-control.ts';
import { enterPrivateNetwork } from '../helpers/private-network.ts';
import { neighbour, outside, outside6 } from '../helpers/router-world.ts';
import { inside, serveTalk, Talk } from '../helpers/talk.ts';
import { until } from '../helpers/until.ts';
import { tool } from '../helpers/wired-container.ts';

enterPrivateNetwork();

const world = cniWorld({ furnish, tidy });
const { service } = world;
const admin = testCaller('kuryr', { isAdmin: true });
const [own, own6] = ['198.51.100.1', '2001:db8:ff::1'];
const running: { stop(): Promise<unknown> }[] = [];
let routerId = '';
let rulesBefore = '';

async function furnish(): Promise<void> {
  await neighbour('outside', '198.51.100', '2001:db8:ff');
  await tool('ip', 'route', 'add', 'default', 'via', outside);
  await tool('ip', '-6', 'route', 'add', 'default', 'via', outside6);
  await tool('iptables', '-P', 'FORWARD', 'DROP');
  await tool('ip6tables', '-P', 'FORWARD', 'DROP');
  const { control } = world;
  const [external] = await control.networks.create(admin, [{ name: 'public', external: true }]);
  assert.ok(external);
  for (const cidr of ['172.24.4.0/24', '2001:db8:4::/64']) {
    await control.subnets.create(admin, [{ networkId: external.id, cidr, enableDhcp: false }]);
  }
  const gateway = { networkId: external.id };
  const [router, other] = await control.routers.create(admin, [{ gateway }, { gateway }]);
  assert.ok(router && other);
  routerId = router.id;
  for (const [name, cidrs] of [
    ['pods', ['10.70.0.0/24', 'fd70::/64']],
    ['lonely', ['10.72.0.0/24']],
    ['far', ['10.73.0.0/24']],
  ] as const) {
    const network = await service.create('networks', { name });
    for (const cidr of cidrs) {
      const body = { network_id: network.id, ip_version: cidr.includes(':') ? 6 : 4, cidr };
      const subnet = await service.create('subnets', body);
      const its = { pods: router.id, far: other.id, lonely: undefined }[name];
      if (its) await control.routers.addInterface(admin, its, { subnetId: subnet.id });
    }
  }
  rulesBefore = await tool('nft', '--stateless', 'list', 'ruleset');
}

async function tidy(): Promise<void> {
  for (const one of running.splice(0)) await one.stop();
  for (const sandbox of added.splice(0)) await runtime().del(sandbox);
  assert.deepEqual(
    (await service.list('security-groups', {})).filter(({ name }) => name.endsWith('-host_ports')),
    [],
  );
  await until(
    'the rules are as before',
    async () => (await tool('nft', '--stateless', 'list', 'ruleset')) === rulesBefore,
  );
}

const added: Sandbox[] = [];
const runtime = (keys: Record<string, unknown> = {}) => new CniRuntime(world.listOf('1.1.0', keys));

async function pod(name: string, capabilities: Record<string, unknown>, keys = {}): Promise<Sandbox> {
  const sandbox = await world.makeSandbox(name, { capabilities });
  const it = runtime(keys);
  await it.add(sandbox);
  added.push(sandbox);
  checks.set(sandbox, () => it.check(sandbox));
  return sandbox;
}

const checks = new Map<Sandbox, () => Promise<void>>();
const check = (sandbox: Sandbox) => checks.get(sandbox)?.();

async function serves(sandbox: Sandbox, port: number, version: 4 | 6 = 4): Promise<void> {
  running.push(await serveTalk(sandbox.netns.replace('/run/netns/', ''), [port], version));
}

async function seen(from: string | undefined, address: string, port: number): Promise<string> {
  const talk = await until(`${from ?? 'the host'} reaches ${address} port ${port}`, () =>
    Talk.start(from, address, port),
  );
  running.push(talk);
  await talk.echo();
  return talk.seenAs;
}

const mapping = (hostPort: number, containerPort: number, more = {}) => ({
  portMappings: [{ hostPort, containerPort, protocol: 'tcp', ...more }],
});

test('a port of the host leads to the container, from outside, the host, its loopback and other containers', async () => {
  const web = await pod('web', mapping(8080, 80));
  await serves(web, 80);
  assert.equal(await seen('outside', own, 8080), outside, 'who asks is seen as who it is');
  assert.equal(await seen(undefined, own, 8080), own);
  assert.equal(await seen(undefined, '127.0.0.1', 8080), '172.24.4.1');
  const other = await pod('other', {});
  assert.equal(await seen('other', own, 8080), '172.24.4.1');
  assert.equal(await seen('web', own, 8080), '172.24.4.1', 'hairpin');
  await check(web);
  await check(other);
});

test('likewise by IPv6', async () => {
  const web = await pod('web', mapping(8080, 80));
  await serves(web, 80, 6);
  assert.equal(await seen('outside', own6, 8080), outside6);
  assert.equal(await seen(undefined, own6, 8080), own6);
  await pod('other', {});
  assert.equal(await seen('other', own6, 8080), '2001:db8:4::1');
});

test('one address of the host, one protocol, and nothing else', async () => {
  const one = await pod('one', mapping(8080, 80, { hostIP: own }));
  await tool('ip', 'address', 'add', '203.0.113.9/32', 'dev', 'lo');
  const two = await pod('two', mapping(8080, 81, { hostIP: '203.0.113.9' }));
  await serves(one, 80);
  await serves(two, 81);
  await tool('ip', '-n', 'outside', 'route', 'replace', '203.0.113.9', 'via', own);
  await seen('outside', own, 8080);
  await seen('outside', '203.0.113.9', 8080);
  assert.equal(await Talk.start('outside', '172.24.4.1', 8080), undefined);
  assert.equal(await Talk.start('outside', own6, 8080), undefined);
  await tool('ip', 'address', 'del', '203.0.113.9/32', 'dev', 'lo');
});

const echoesSource = `import socket
s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM); s.bind(("",53)); print("listening",flush=True)
while True:
  d,a=s.recvfrom(99); s.sendto(a[0].encode(),a)`;
/** Sends again and again from one port, and prints the first answer of each server. */
const asks = `import socket
s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM); s.settimeout(0.1); last=b"?"
while True:
  s.sendto(b"x",("${own}",5353))
  try:
    d=s.recv(99)
    if d!=last: print(d.decode(),flush=True)
    last=d
  except OSError:
    if last: print("silent",flush=True)
    last=b""`;

test('UDP, too: also for one who never pauses when the port leads to another router’s network', async () => {
  const client = inside('outside', '/usr/bin/python3', '-c', asks);
  running.push(client);
  const hears = (what: string, times: number) =>
    until(
      `the client hears ${what}`,
      async () => client.lines.filter((line) => line === what).length === times,
    );
  await hears('silent', 1);
  // It holds the host's rules and connections while the others come and go.
  await pod('web', mapping(8080, 80));
  for (const [index, network] of ['pods', 'far'].entries()) {
    const name = `dns-${network}`;
    const dns = await pod(name, mapping(5353, 53, { protocol: 'udp' }), { network });
    const server = inside(name, '/usr/bin/python3', '-c', echoesSource);
    running.push(server);
    await until('the server listens', async () => server.lines.includes('listening'));
    await hears(outside, index + 1);
    await check(dns);
    added.splice(added.indexOf(dns), 1);
    await runtime().del(dns);
    await hears('silent', index + 2);
  }
});

test('a taken port is refused and leaves nothing: another container’s, a program’s', async () => {
  await pod('web', mapping(8080, 80));
  const rival = await world.makeSandbox('rival', { capabilities: mapping(8080, 81) });
  await assert.rejects(
    runtime().add(rival),
    refusesWith(102, /0\.0\.0\.0:8080 failed: port is already allocated/),
  );
  await pod('named', mapping(8081, 81, { hostIP: own }));
  const everywhere = await world.makeSandbox('everywhere', { capabilities: mapping(8081, 81) });
  await assert.rejects(runtime().add(everywhere), refusesWith(102, /8081 failed/));
  const program = createServer().listen(8082, '127.0.0.1');
  await until('the program listens', async () => program.listening);
  const late = await world.makeSandbox('late', { capabilities: mapping(8082, 80) });
  await assert.rejects(runtime().add(late), refusesWith(102, /8082 failed/));
  await new Promise((done) => program.close(done));
  assert.equal((await service.list('ports', { device_owner: 'compute:cni' })).length, 2);
  const udp = await pod('udp', mapping(8080, 80, { protocol: 'udp' }));
  await check(udp);
});

test('a container’s ports lead to the first of its networks', async () => {
  const first = await pod('both', mapping(8080, 80));
  const second = { ...first, ifname: 'eth1' };
  const it = runtime();
  await it.add(second);
  added.push(second);
  await it.check(second);
  assert.equal((await service.list('ports', { device_owner: 'compute:cni' })).length, 2);
});

test('a network that no router leads out of has no way for host ports', async () => {
  const sandbox = await world.makeSandbox('lonely', { capabilities: mapping(8080, 80) });
  const lonely = runtime({ network: 'lonely' });
  await assert.rejects(
    lonely.add(sandbox),
    refusesWith(102, /host port 8080\/tcp: no router with a way out/),
  );
});

test('what leads to a container outlives the agent, and CHECK tells what is missing', async () => {
  const web = await pod('web', {
    ...mapping(8080, 80),
    bandwidth: { ingressRate: 8_000_000, ingressBurst: 800_000, egressRate: 4_000_000, egressBurst: 400_000 },
  });
  await serves(web, 80);
  await world.stopAgent();
  await seen('outside', own, 8080);
  await world.startAgent();
  await check(web);
  await seen('outside', own, 8080);
  await tool('nft', 'flush map inet berth-c0c1 published4');
  await assert.rejects(
    check(web) as Promise<void>,
    refusesWith(101, /port 8080 of the host does not lead to it/),
  );
  await world.stopAgent();
  await world.startAgent();
  await check(web);
  await world.control.routers.removeInterface(admin, routerId, { subnetId: await subnetOf(web, 4) });
  await until('CHECK sees that no router leads there', async () => {
    const reason = await (check(web) as Promise<void>).then(
      () => '',
      (error: Error) => error.message,
    );
    // By IPv6 it still does.
    return reason === '' && (await Talk.start('outside', own, 8080)) === undefined;
  });
  await world.control.routers.addInterface(admin, routerId, { subnetId: await subnetOf(web, 4) });
  await seen('outside', own, 8080);
});

async function subnetOf({ containerId }: Sandbox, version: 4 | 6): Promise<string> {
  const ports = await service.list('ports', { device_owner: 'compute:cni' });
  const port = ports.find(({ name }) => name.startsWith(`cni-${containerId.slice(0, 12)}`));
  const ip = port?.fixed_ips.find(({ ip_address }) => ip_address.includes(':') === (version === 6));
  assert.ok(ip);
  return ip.subnet_id;
}

test('bandwidth is limited both ways, and CHECK sees it', async () => {
  const bandwidth = {
    ingressRate: 8_000_000,
    ingressBurst: 800_000,
    egressRate: 4_000_000,
    egressBurst: 400_000,
  };
  const slow = await pod('slow', { bandwidth });
  const [port] = await service.list('ports', { device_owner: 'compute:cni' });
  const netns = `berth-c0c1-n${port?.network_id.replaceAll('-', '').slice(0, 12)}`;
  const limits = await world.kernel.limits(netns);
  assert.deepEqual(
    limits.flatMap(({ bytesPerSecond }) => bytesPerSecond ?? []).toSorted((a, b) => a - b),
    [500_000, 1_000_000],
  );
  await check(slow);
  const link = limits.find(({ isDetoured }) => isDetoured)?.link ?? '';
  await tool('tc', '-n', netns, 'qdisc', 'del', 'dev', link, 'root');
  await assert.rejects(check(slow) as Promise<void>, refusesWith(101, /limit is none instead of 1000000/));
});

test('a port that was there before gets its host ports, and loses them with the container', async () => {
  const [network] = await service.list('networks', { name: 'pods' });
  assert.ok(network);
  const port = await service.create('ports', { network_id: network.id, name: 'mine' });
  const keys = { port: 'mine' };
  const mine = await pod('mine', mapping(8080, 80), keys);
  await serves(mine, 80);
  await seen('outside', own, 8080);
  const before = await service.get('ports', port.id);
  assert.equal(before.security_groups.length, 2);
  await runtime(keys).del(mine);
  const freed = await service.get('ports', port.id);
  assert.deepEqual([freed['binding:profile'], freed.security_groups], [{}, port.security_groups]);
  await service.remove('ports', port.id);
});
