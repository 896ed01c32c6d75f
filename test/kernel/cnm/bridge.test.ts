/** The bridge driver of the Container Network Model on the real kernel, and the drivers without links. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { BridgeDriver } from '../../../src/cnm/drivers/bridge/driver.ts';
import { label } from '../../../src/cnm/drivers/labels.ts';
import { hostDriver, nullDriver } from '../../../src/cnm/drivers/null.ts';
import { isFailure } from '../../../src/model/failure.ts';
import { testDriverContract } from '../../cnm-contract.ts';
import { CnmHost } from '../../helpers/cnm-host.ts';
import { enterPrivateNetwork } from '../../helpers/private-network.ts';
import { until } from '../../helpers/until.ts';
import { Running, tool } from '../../helpers/wired-container.ts';

enterPrivateNetwork();

let host: CnmHost;

before(async () => {
  host = await CnmHost.start({
    drivers: (kernel, records) => [nullDriver, hostDriver, new BridgeDriver(kernel, records)],
  });
});
after(() => host.stop());

testDriverContract(() => host, {
  name: 'bridge',
  has6: true,
  isolates: true,
  draft: (number) => ({
    name: `net${number}`,
    driver: 'bridge',
    pools: [{ cidr: `10.3${number}.0.0/24` }, { cidr: `fd3${number}::/64` }],
  }),
});

const check = (what: string, work: () => Promise<void>) =>
  test(`bridge: ${what}`, async () => {
    const before = await host.traces();
    try {
      await work();
    } finally {
      await host.clear();
    }
    assert.equal(await host.traces(), before);
  });
const net = (options: Record<string, string> = {}, more: object = {}) =>
  host.controller.createNetwork({
    name: 'n',
    pools: [{ cidr: '10.30.0.0/24' }, { cidr: 'fd30::/64' }],
    options,
    ...more,
  });

/** A server in the sandbox that answers every connection with its name. */
async function serve(sandbox: string, port: number): Promise<Running> {
  const { netns } = host.controller.findSandbox(sandbox);
  const command = [
    'netns',
    'exec',
    netns ?? '',
    'busybox',
    'nc',
    '-ll',
    '-p',
    String(port),
    '-e',
    'echo',
    sandbox,
  ];
  const server = new Running('ip', command);
  await until(`${sandbox} listens`, async () =>
    (await host.exec(sandbox, 'cat', '/proc/net/tcp6', '/proc/net/tcp')).includes(
      `:${port.toString(16).toUpperCase().padStart(4, '0')} `,
    ),
  );
  return server;
}

async function fetch(address: string, port: number, from?: string): Promise<string> {
  const command = ['busybox', 'nc', '-w', '1', address, String(port)];
  const run = from === undefined ? tool(command[0] ?? '', ...command.slice(1)) : host.exec(from, ...command);
  return (await run.catch(() => '')).trim();
}

check('the gateway is the bridge; what goes out has the host’s address', async () => {
  await tool('ip', 'netns', 'add', 'outside');
  try {
    for (const command of [
      'link add up0 type veth peer name up0 netns outside',
      'addr add 192.0.2.1/24 dev up0',
      'link set up0 up',
      '-n outside addr add 192.0.2.2/24 dev up0',
      '-n outside link set up0 up',
    ]) {
      await tool('ip', ...command.split(' '));
    }
    const web = await host.attach('web', (await net()).id);
    assert.ok(await host.pings('web', '10.30.0.1'));
    assert.ok(await host.pings('web', 'fd30::1'));
    assert.ok(await host.pings('web', '192.0.2.2'), 'the outside has no route back: the source is the host');
    await tool('ip', '-n', 'outside', 'route', 'add', '10.30.0.0/24', 'via', '192.0.2.1');
    const ask = tool(
      'ip',
      'netns',
      'exec',
      'outside',
      'ping',
      '-n',
      '-c',
      '1',
      '-W',
      '1',
      web.address?.split('/')[0] ?? '',
    );
    await assert.rejects(ask, 'nobody comes in');
  } finally {
    await tool('ip', 'link', 'del', 'up0').catch(() => undefined);
    await tool('ip', 'netns', 'del', 'outside');
  }
});

check('ports are published on the host, also to itself and to the containers', async () => {
  const network = await net();
  const publish = [{ protocol: 'tcp', containerPort: 80, hostAddress: null, hostPort: 8080 }] as const;
  const web = await host.attach('web', network.id, { publish });
  await host.attach('client', network.id);
  assert.deepEqual(
    web.bindings.map(({ hostAddress, hostPort }) => `${hostAddress} ${hostPort}`),
    ['0.0.0.0 8080', ':: 8080'],
  );
  const server = await serve('web', 80);
  try {
    assert.equal(await fetch('127.0.0.1', 8080), 'web');
    assert.equal(await fetch('10.30.0.1', 8080), 'web');
    assert.equal(await fetch('10.30.0.1', 8080, 'client'), 'web');
    assert.equal(await fetch('10.30.0.1', 8080, 'web'), 'web', 'itself');
    assert.equal(await fetch('fd30::1', 8080), 'web');
    await host.restart();
    assert.equal(await fetch('10.30.0.1', 8080), 'web', 'after a restart');
    const again = host.controller.createEndpoint(network.id, { name: 'rival', publish });
    const sandbox = await host.controller.createSandbox({ name: 'rival' });
    await assert.rejects(host.controller.join((await again).id, sandbox.id), (error) => {
      assert.ok(isFailure(error, 'conflict'));
      assert.match(error.message, /0\.0\.0\.0:8080 failed: port is already allocated/);
      return true;
    });
    await host.controller.leave(web.id, host.controller.findSandbox('web').id);
    assert.equal(await fetch('127.0.0.1', 8080), '');
    await host.controller.join(host.controller.findEndpoint('rival').id, sandbox.id);
  } finally {
    await server.stop();
  }
});

check('a port that a program of the host has is refused, a free one is found', async () => {
  const network = await net();
  const listener = new Running('busybox', ['nc', '-ll', '-p', '9090', '-e', 'cat']);
  try {
    await until('the program listens', async () =>
      (await tool('cat', '/proc/net/tcp', '/proc/net/tcp6')).includes(':2382 '),
    );
    const taken = [{ protocol: 'tcp', containerPort: 80, hostAddress: null, hostPort: 9090 }] as const;
    await assert.rejects(host.attach('a', network.id, { publish: taken }), (error) =>
      isFailure(error, 'conflict'),
    );
    const any = [{ protocol: 'udp', containerPort: 53, hostAddress: '127.0.0.1', hostPort: null }] as const;
    const [binding] = (await host.attach('b', network.id, { publish: any })).bindings;
    assert.ok(binding && binding.hostPort >= 32_768 && binding.hostPort <= 60_999);
  } finally {
    await listener.stop();
  }
});

check(
  'without inter-container communication neighbours do not hear each other, the gateway does',
  async () => {
    const network = await net({ [label.icc]: 'false' });
    await host.attach('a', network.id);
    const b = await host.attach('b', network.id);
    assert.ok(!(await host.pings('a', b.address)));
    assert.ok(!(await host.pings('a', b.address6)));
    assert.ok(await host.pings('a', '10.30.0.1'));
  },
);

/** Another firewall whose FORWARD chain drops by default, and the outside beyond a link. */
async function withDockersFirewall(work: () => Promise<void>): Promise<void> {
  const rules = ['ip', 'ip6'].map(
    (family) =>
      `table ${family} filter { chain DOCKER-USER { }; chain FORWARD { type filter hook forward priority 0; policy drop; jump DOCKER-USER; }; }`,
  );
  await tool('ip', 'netns', 'add', 'outside');
  try {
    await tool('ip', 'link', 'add', 'up0', 'type', 'veth', 'peer', 'name', 'out0', 'netns', 'outside');
    await tool('ip', 'address', 'add', '192.0.2.1/24', 'dev', 'up0');
    await tool('ip', 'link', 'set', 'up0', 'up');
    await tool('ip', '-n', 'outside', 'address', 'add', '192.0.2.2/24', 'dev', 'out0');
    await tool('ip', '-n', 'outside', 'link', 'set', 'out0', 'up');
    await tool('nft', rules.join('\n'));
    await work();
  } finally {
    await tool('nft', 'delete table ip filter; delete table ip6 filter').catch(() => undefined);
    await tool('ip', 'link', 'del', 'up0').catch(() => undefined);
    await tool('ip', 'netns', 'del', 'outside');
  }
}

check('a host’s FORWARD chain that drops by default is passed, and is as before afterwards', () =>
  withDockersFirewall(async () => {
    const before = await tool('nft', 'list', 'ruleset');
    const network = await net();
    await host.attach('a', network.id);
    assert.ok(await host.pings('a', '192.0.2.2'));
    await host.restart();
    const rules = await tool('nft', 'list', 'table', 'ip', 'filter');
    assert.equal(rules.match(/accept comment "berth cnm/g)?.length, 2, 'each rule once');
    await host.clear();
    assert.equal(await tool('nft', 'list', 'ruleset'), before);
  }),
);

check('an internal network has no way out', async () => {
  const network = await net({}, { internal: true });
  await host.attach('a', network.id);
  const b = await host.attach('b', network.id);
  assert.ok(await host.pings('a', b.address));
  assert.equal((await host.exec('a', 'ip', 'route', 'show', 'default')).trim(), '');
});

check('options: the bridge’s name, MTU, prefix of interfaces; wrong ones are refused', async () => {
  const network = await net({
    [label.bridgeName]: 'mybridge',
    [label.mtu]: '1400',
    [label.interfacePrefix]: 'net',
  });
  const a = await host.attach('a', network.id);
  assert.equal(a.interfaceName, 'net0');
  const [bridge] = JSON.parse(await tool('ip', '-j', 'link', 'show', 'mybridge'));
  assert.equal(bridge.mtu, 1400);
  for (const [name, value] of [
    [label.bridgeName, 'a name that is too long'],
    [label.mtu, 'big'],
    [label.icc, 'maybe'],
    [label.interfacePrefix, '../'],
    [label.hostBindingIpv4, 'here'],
  ] as const) {
    const draft = { name: 'wrong', pools: [{ cidr: '10.39.0.0/24' }], options: { [name]: value } };
    const made = host.controller.createNetwork(draft).then(({ id }) =>
      host.attach('w', id, {
        publish: [{ protocol: 'tcp', containerPort: 1, hostAddress: null, hostPort: null }],
      }),
    );
    await assert.rejects(
      made,
      (error) => isFailure(error, 'invalid-value') && error.message.includes(value),
      name,
    );
    await host.clear();
  }
  const twice = { name: 'm', pools: [{ cidr: '10.38.0.0/24' }], options: { [label.bridgeName]: 'same' } };
  await host.controller.createNetwork(twice);
  const second = { ...twice, name: 'm2', pools: [{ cidr: '10.37.0.0/24' }] };
  await assert.rejects(host.controller.createNetwork(second), (error) => isFailure(error, 'driver-forbids'));
});

test('null: a sandbox has its loopback only; host: it is the host', async () => {
  const before = await host.traces();
  const none = await host.controller.createNetwork({ name: 'none', driver: 'null' });
  const own = await host.controller.createNetwork({ name: 'host', driver: 'host' });
  await host.attach('alone', none.id);
  assert.equal((await host.exec('alone', 'ip', '-o', 'link')).trim().split('\n').length, 1);
  assert.ok(await host.pings('alone', '127.0.0.1'));
  const endpoint = await host.controller.createEndpoint(own.id, { name: 'root' });
  const sandbox = await host.controller.createSandbox({ name: 'root', isHost: true });
  await host.controller.join(endpoint.id, sandbox.id);
  await host.clear();
  assert.equal(await host.traces(), before);
});
