import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { withCloud } from '../../test/helpers/command-line.ts';

test('run makes a container, waits until it runs and shows it', async () => {
  await using world = await withCloud();
  const line = '-n web --hostname h --cpu 2 -m 1024 -e K=V --net network=back --security-group sg';
  const ran = await world.berth(
    ...['run', ...line.split(' '), '--restart', 'on-failure:3', 'busybox', 'sh', '-c', 'exec sleep -n 1'],
  );
  assert.equal(ran.code, 0, ran.stderr);
  assert.match(ran.stdout, /status +│ Running/);
  assert.ok(world.fake.requests.includes('POST /v1/containers?run=true'));
  const { image, name, hostname, cpu, memory, environment, nets, security_groups, restart_policy, command } =
    world.fake.containers[0] ?? {};
  assert.deepEqual(
    { image, name, hostname, cpu, memory, environment, nets, security_groups, restart_policy, command },
    {
      image: 'busybox',
      name: 'web',
      hostname: 'h',
      cpu: 2,
      memory: '1024',
      environment: { K: 'V' },
      nets: [{ network: 'back' }],
      security_groups: ['sg'],
      restart_policy: { Name: 'on-failure', MaximumRetryCount: '3' },
      command: ['sh', '-c', 'exec sleep -n 1'],
    },
  );
});

test('a container that cannot run is a failure with its reason', async () => {
  await using world = await withCloud();
  const { code, stdout, stderr } = await world.berth('run', '-n', 'bad', 'fail-start');
  assert.deepEqual({ code, stdout }, { code: 1, stdout: '' });
  assert.match(stderr, /^berth: bad: it will not\n/);
  const accepted = await world.berth('run', '--no-wait', '-n', 'later', 'fail-start');
  assert.equal(accepted.code, 0);
  assert.match(accepted.stdout, /status +│ Creating/);
});

test('delete does what it can and tells what it could not', async () => {
  await using world = await withCloud();
  await world.berth('run', '-n', 'web', 'busybox');
  const { code, stderr } = await world.berth('delete', 'missing', 'web');
  assert.equal(code, 1);
  assert.match(stderr, /Container missing could not be found\.\nsee what there is: berth list\n/);
  assert.match(stderr, /web: deleted/);
  assert.deepEqual(world.fake.containers, []);
});

test('a deleted container is listed with --deleted, and its uuid still has its logs', async () => {
  await using world = await withCloud();
  await world.berth('run', '-n', 'web', 'busybox');
  const uuid = String(world.fake.containers[0]?.uuid);
  await world.berth('delete', 'web');
  const list = await world.berth('list', '--deleted', '-f', 'value', '-c', 'uuid', '-c', 'logs_bytes');
  assert.equal(list.stdout, `${uuid} 11\n`);
  assert.equal((await world.berth('logs', uuid)).stdout, 'last words\n');
  assert.match((await world.berth('logs', 'web')).stderr, /Container web could not be found/);
  assert.equal((await world.berth('list', '--deleted', '--status', 'Error')).code, 2);
  world.fake.isZun = true;
  const { code, stderr } = await world.berth('logs', uuid);
  world.fake.isZun = false;
  const forgot = await world.berth('forget', uuid, 'nothing');
  assert.deepEqual([forgot.code, world.fake.deleted], [1, []]);
  assert.match(forgot.stderr, new RegExp(`${uuid}: forgotten`));
  assert.match(forgot.stderr, /Container nothing could not be found/);
  assert.equal(code, 1);
  assert.match(stderr, new RegExp(`Container ${uuid} could not be found`));
});

test('list shows fixed and floating addresses', async () => {
  await using world = await withCloud();
  await world.berth('run', '-n', 'web', 'busybox');
  Object.assign(world.fake.containers[0] ?? {}, {
    addresses: { n1: [{ addr: '10.0.0.5', version: 4, port: 'p1' }] },
  });
  world.fake.objects.floatingips = [{ id: 'f', floating_ip_address: '172.24.4.9', port_id: 'p1' }];
  const { stdout } = await world.berth('list');
  assert.match(stdout, /│ web +│ busybox │ Running │ +│ 10\.0\.0\.5 +│ 172\.24\.4\.9 │/);
  const [row] = JSON.parse((await world.berth('list', '-f', 'json')).stdout);
  assert.equal(row.addresses.n1[0].addr, '10.0.0.5');
  assert.deepEqual(row.floating_addresses, ['172.24.4.9']);
});

test('list shows forwarded ports, and the topology is a tree or data', async () => {
  await using world = await withCloud();
  const { fake, berth } = world;
  await berth('run', '-n', 'web', 'busybox');
  Object.assign(fake.containers[0] ?? {}, {
    addresses: { n1: [{ addr: '10.0.0.5', version: 4, port: 'p1' }] },
  });
  fake.objects.networks = [{ id: 'n1', name: 'back' }];
  const fixed_ips = [{ subnet_id: 's', ip_address: '10.0.0.5' }];
  const device_id = fake.containers[0]?.uuid;
  fake.objects.ports = [{ id: 'p1', network_id: 'n1', fixed_ips, device_id, status: 'ACTIVE' }];
  const forwarding = {
    id: 'w',
    internal_port_id: 'p1',
    internal_port: 80,
    external_port: 8080,
    protocol: 'tcp',
  };
  fake.objects.floatingips = [
    { id: 'f', floating_ip_address: '172.24.4.9', port_id: null, port_forwardings: [forwarding] },
  ];
  fake.objects['port_forwardings/f'] = [forwarding];
  assert.match((await berth('list')).stdout, /172\.24\.4\.9:8080->80\/tcp/);
  const { stdout } = await berth('network', 'topology');
  assert.equal(stdout, 'network back (no subnet)\n└─ web 10.0.0.5 ⇄ 172.24.4.9:8080->80/tcp\n');
  const { networks } = JSON.parse((await berth('network', 'topology', '-f', 'json')).stdout);
  assert.equal(networks[0].ports[0].name, 'web');
  assert.match((await berth('network', 'topology', '-f', 'dot')).stdout, /^graph berth/);
  assert.equal((await berth('network', 'topology', '-f', 'csv')).code, 2);
});

test('the second command uses the token of the first', async () => {
  await using world = await withCloud();
  await world.berth('list');
  await world.berth('list');
  assert.equal(world.fake.logIns.length, 1);
});

test('exec passes words, output and exit code on', async () => {
  await using world = await withCloud();
  await world.berth('run', '-n', 'web', 'busybox');
  const ran = await world.berth('exec', 'web', 'sh', '-c', "echo it's $A");
  assert.deepEqual(ran, { code: 3, stdout: "ran sh -c 'echo it'\\''s $A'\n", stderr: '' });
});

test('stop waits for the end of the action', async () => {
  await using world = await withCloud();
  await world.berth('run', '-n', 'web', 'busybox');
  const { code, stderr } = await world.berth('stop', '-t', '3', 'web');
  assert.deepEqual({ code, stderr }, { code: 0, stderr: 'web: stopped\n' });
  assert.ok(world.fake.requests.includes('POST /v1/containers/web/stop?timeout=3'));
  assert.match(world.fake.requests.at(-1) ?? '', /^GET \/v1\/containers\/web\/container_actions\/req-/);
});

test('network objects are made, found by name, changed and deleted', async () => {
  await using world = await withCloud();
  const { fake, berth } = world;
  await berth('network', 'create', 'back', '--mtu', '1400', '--tag', 'a');
  await berth('subnet', 'create', '--network', 'back', '--range', '10.0.5.0/24', '--gateway', 'none', 'v4');
  await berth('security-group', 'create', 'web');
  await berth('security-group', 'rule', 'create', 'web', '--protocol', 'tcp', '--dst-port', '80:81');
  await berth(
    ...['port', 'create', 'p', '--network', 'back', '--security-group', 'web', '--fixed-ip'],
    'subnet=v4,ip-address=10.0.5.9',
  );
  const [network, subnet, group, rule, port] = [
    ...['networks', 'subnets', 'security-groups', 'security-group-rules', 'ports'],
  ].map((collection) => fake.objects[collection]?.[0]);
  assert.deepEqual(network, { id: network?.id, name: 'back', mtu: 1400, tags: ['a'] });
  assert.deepEqual(subnet, {
    id: subnet?.id,
    name: 'v4',
    network_id: network?.id,
    cidr: '10.0.5.0/24',
    ip_version: 4,
    gateway_ip: null,
  });
  assert.deepEqual(rule, {
    id: rule?.id,
    security_group_id: group?.id,
    direction: 'ingress',
    ethertype: 'IPv4',
    protocol: 'tcp',
    port_range_min: 80,
    port_range_max: 81,
  });
  assert.deepEqual(port, {
    id: port?.id,
    name: 'p',
    network_id: network?.id,
    security_groups: [group?.id],
    fixed_ips: [{ subnet_id: subnet?.id, ip_address: '10.0.5.9' }],
  });
  await berth('network', 'set', '--name', 'rear', '--no-tag', 'back');
  assert.deepEqual(network, { id: network?.id, name: 'rear', mtu: 1400, tags: [] });
  assert.equal((await berth('network', 'delete', 'rear')).code, 0);
  assert.deepEqual(fake.objects.networks, []);
});

test('routers join subnets and get a way out through the only external network', async () => {
  await using world = await withCloud();
  const { fake, berth } = world;
  fake.objects.networks = [{ id: 'ext', name: 'public', 'router:external': true }];
  await berth('network', 'create', 'back');
  await berth('subnet', 'create', '--network', 'back', '--range', '10.0.5.0/24', 'v4');
  assert.equal((await berth('router', 'create', '--gateway', '--no-snat', 'edge')).code, 0);
  const [router] = fake.objects.routers ?? [];
  assert.deepEqual(router?.external_gateway_info, { network_id: 'ext', enable_snat: false });
  Object.assign(router ?? {}, { routes: [] });
  assert.equal((await berth('router', 'add-subnet', 'edge', 'v4')).code, 0);
  assert.equal(fake.objects.ports?.[0]?.device_id, router?.id);
  await berth('router', 'route', 'add', 'edge', '10.9.0.0/16', '--via', '10.0.5.9', '--via', '10.0.5.8');
  assert.deepEqual(router?.routes, [
    { destination: '10.9.0.0/16', nexthop: '10.0.5.9' },
    { destination: '10.9.0.0/16', nexthop: '10.0.5.8' },
  ]);
  await berth('router', 'route', 'remove', 'edge', '10.9.0.0/16');
  assert.deepEqual(router?.routes, []);
  const again = await berth('router', 'route', 'remove', 'edge', '10.9.0.0/16');
  assert.match(
    again.stderr,
    /edge has no route to 10\.9\.0\.0\/16\nsee what there is: berth router route list edge/,
  );
  await berth('router', 'gateway', 'unset', 'edge');
  assert.deepEqual(router?.external_gateway_info, {});
  await berth('router', 'remove-subnet', 'edge', 'v4');
  assert.deepEqual(fake.objects.ports, []);
  fake.objects.networks.push({ id: 'ext2', name: 'other', 'router:external': true });
  const two = await berth('router', 'gateway', 'set', 'edge');
  assert.match(two.stderr, /several external networks: public, other\nsay which/);
  assert.equal((await berth('router', 'gateway', 'set', 'edge', 'other')).code, 0);
  assert.deepEqual(router?.external_gateway_info, { network_id: 'ext2' });
});

test('a floating IP leads to a container, a port or an address, and is found by its own address', async () => {
  await using world = await withCloud();
  const { fake, berth } = world;
  fake.objects.networks = [{ id: 'ext', name: 'public', 'router:external': true }];
  fake.objects.ports = [{ id: 'p1', name: 'db', fixed_ips: [], network_id: 'n1' }];
  await berth('run', '-n', 'web', 'busybox');
  Object.assign(fake.containers[0] ?? {}, {
    addresses: { n1: [{ addr: '10.0.0.5', version: 4, port: 'p1' }] },
  });
  assert.equal((await berth('floating-ip', 'create', '--port', 'web', '--tag', 'x')).code, 0);
  const [floating] = fake.objects.floatingips ?? [];
  const { floating_network_id, port_id, tags } = floating ?? {};
  assert.deepEqual(
    { floating_network_id, port_id, tags },
    { floating_network_id: 'ext', port_id: 'p1', tags: ['x'] },
  );
  Object.assign(floating ?? {}, { floating_ip_address: '172.24.4.9' });
  await berth('floating-ip', 'release', '172.24.4.9');
  assert.equal(floating?.port_id, null);
  await berth('floating-ip', 'associate', '172.24.4.9', 'db', '--fixed-address', '10.0.0.5');
  assert.deepEqual([floating?.port_id, floating?.fixed_ip_address], ['p1', '10.0.0.5']);
  const unknown = await berth('floating-ip', 'associate', '172.24.4.9', 'nobody');
  assert.match(unknown.stderr, /no port and no container nobody\n/);
  const { code, stderr } = await berth('floating-ip', 'delete', '172.24.4.9', '172.24.4.8');
  assert.equal(code, 1);
  assert.match(stderr, /172\.24\.4\.9: deleted/);
  assert.match(stderr, /no floating IP 172\.24\.4\.8\nsee what there is: berth floating-ip list/);
  assert.deepEqual(fake.objects.floatingips, []);
});

test('port trace tells the story, whose rule decides, and what would help', async () => {
  await using world = await withCloud();
  const { fake, berth } = world;
  fake.objects.ports = [
    { id: 'p1', name: 'web', fixed_ips: [], network_id: 'n1' },
    { id: 'p2', name: 'db', fixed_ips: [], network_id: 'n1', security_groups: ['g2'] },
  ];
  const step = (id: string, what: string, passes: boolean, text: string) => ({
    ...{ at: 'port', id, what, passes, text },
    security_group_id: passes ? 'g1' : null,
    security_group_rule_id: passes ? 'r1' : null,
  });
  const steps = [step('p1', 'egress', true, 'let through'), step('p2', 'ingress', false, 'no rule')];
  fake.objects.trace = [{ passes: false, steps, packet: { source: '10.0.0.1' } }];
  const dropped = await berth('port', 'trace', 'web', 'db', '5432/tcp');
  assert.deepEqual(
    [dropped.code, dropped.stdout],
    [
      1,
      [
        '✓ port web egress  let through [rule r1]',
        '✗ port db ingress  no rule',
        '',
        'dropped: 5432/tcp from web to db',
        'to allow it: berth security-group rule create g2 --protocol tcp --dst-port 5432',
        '',
      ].join('\n'),
    ],
  );
  assert.deepEqual(fake.objects.asked, [
    { from_port_id: 'p1', to_port_id: 'p2', protocol: 'tcp', port: 5432 },
  ]);
  fake.objects.floatingips = [{ id: 'f', floating_ip_address: '172.24.4.9', port_id: 'p1' }];
  fake.objects.trace = [{ passes: true, steps: steps.slice(0, 1), packet: null }];
  const allowed = await berth('port', 'trace', 'outside', 'web', 'icmp');
  assert.equal(allowed.code, 0, allowed.stderr);
  assert.deepEqual(fake.objects.asked, [{ to_address: '172.24.4.9', protocol: 'icmp' }]);
  await berth('port', 'trace', 'web', '192.0.2.1', '-f', 'json');
  assert.deepEqual(fake.objects.asked, [{ from_port_id: 'p1', to_address: '192.0.2.1', protocol: 'icmp' }]);
});

test('network doctor lists differences; its exit code says whether any is left', async () => {
  await using world = await withCloud();
  const { fake, berth } = world;
  const finding = { where: 'host', text: 'link bx1 is down', is_repaired: false };
  fake.objects.doctor = [{ hosts: [{ host: 'h1', networks: 2, findings: [finding], error: null }] }];
  const sick = await berth('network', 'doctor', '--host', 'h1');
  assert.equal(sick.code, 1);
  assert.match(sick.stdout, /│ h1 +│ host +│ link bx1 is down │ no /);
  assert.equal(sick.stderr, 'h1: 2 networks, 1 differences, 0 repaired\n');
  assert.deepEqual(fake.objects.asked, [{ repair: false, host: 'h1' }]);
  finding.is_repaired = true;
  const mended = await berth('network', 'doctor', '--repair', '-f', 'json');
  assert.deepEqual([mended.code, JSON.parse(mended.stdout)], [0, [{ host: 'h1', ...finding }]]);
  fake.objects.doctor = [{ hosts: [{ host: 'h2', networks: 0, findings: [], error: 'no answer' }] }];
  assert.equal((await berth('network', 'doctor')).code, 1);
});

test('a wrong command line is exit code 2 and sends nothing', async () => {
  await using world = await withCloud();
  for (const line of [
    'run',
    'lst',
    'list --nope',
    'list -f xml',
    'run --cpu many busybox',
    'run --restart sometimes busybox',
    'network create n --mtu big',
    'subnet create s --range 10.0.0.0/24',
    'network set n',
    'port trace a b tcp/many',
    'port trace a b tcp/1/2/3',
    'router create --no-snat edge',
    'router route add edge 10.0.0.0/8',
    'exec web',
    'update web',
  ]) {
    const { code, stdout, stderr } = await world.berth(...line.split(' '));
    assert.deepEqual({ line, code, stdout }, { line, code: 2, stdout: '' });
    assert.match(stderr, /^berth: .+\n.+/, line);
  }
  assert.deepEqual(
    world.fake.requests.filter((request) => !request.includes('auth/tokens')),
    [],
  );
});

test('nothing to talk to is exit code 1 and says what to do', async () => {
  await using world = await withCloud();
  rmSync(join(world.home, 'state', 'clouds.yaml'));
  const { code, stderr } = await world.berth('list');
  assert.equal(code, 1);
  assert.match(stderr, /no cloud to talk to[^\n]+\nstart Berth here with: berth up -d/);
});

test('a log-in that the service refuses is told from a service that is not there', async () => {
  await using world = await withCloud();
  const { code, stderr } = await world.berth('list', '--os-cloud', 'berth', '--os-password', 'wrong');
  assert.equal(code, 1);
  assert.match(stderr, /^berth: [^\n]+\nits log-in is not right there: look at user, password/);
});

test('every command has help with an example, and takes the global options behind its name', async () => {
  await using world = await withCloud();
  const { stdout: help } = await world.berth('--help');
  const names = [...help.matchAll(/^ {2}([a-z-]+)(?: \[options\])?/gm)].flatMap(([, name]) => name ?? []);
  const commands = names.filter((name) => !name.startsWith('-') && name !== 'help');
  assert.ok(commands.length > 25, help);
  for (const name of commands) {
    const { code, stdout } = await world.berth(name, '--help');
    assert.equal(code, 0);
    assert.match(stdout, /Examples:|Commands:/, name);
  }
  assert.equal((await world.berth('list', '--os-region-name', 'RegionOne')).code, 0);
  assert.equal((await world.berth('--os-region-name', 'Nowhere', 'list')).code, 1);
});
