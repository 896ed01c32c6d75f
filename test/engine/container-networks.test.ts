/**
 * Networks and security groups of containers that run: what the container API changes is looked up inside the container, and
 * the container is never started again for it.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Answer, Berth } from '../helpers/berth.ts';
import { Machine } from '../helpers/machine.ts';
import { until } from '../helpers/until.ts';

let machine: Machine;
let berth: Berth;

before(async () => {
  machine = await Machine.start();
  berth = new Berth(machine);
  await berth.up();
  for (const n of [1, 2, 3]) {
    await berth.cli('network', 'create', `net${n}`);
    await berth.cli(
      ...['subnet', 'create', `v4-${n}`, '--network', `net${n}`, '--subnet-range', `10.6${n}.0.0/24`],
    );
    await berth.cli(
      ...['subnet', 'create', `v6-${n}`, '--network', `net${n}`, '--subnet-range', `fd00:6${n}::/64`],
    );
  }
});

after(async () => {
  await machine?.destroy();
});

const idle = "trap 'exit 0' TERM; while :; do sleep 1; done";
/** Answers every connection on tcp 80, by both versions of IP. */
const listen = "trap 'exit 0' TERM; (while :; do echo ahoy | nc -l -p 80; done) & while :; do sleep 1; done";

async function run(name: string, body: Record<string, unknown>, script = idle): Promise<string> {
  const { status, body: made } = await berth.request('POST', '/containers?run=true', {
    body: { name, image: 'busybox', command: ['sh', '-c', script], ...body },
  });
  assert.equal(status, 202, JSON.stringify(made));
  await berth.untilStatus(name, 'Running');
  return made.uuid;
}

async function inside(name: string, ...command: readonly string[]): Promise<string> {
  return (await machine.docker('exec', await berth.dockerName(name), ...command)).stdout.trim();
}

/** `4 via 10.61.0.1` … of all default routes. */
async function defaults(name: string): Promise<string[]> {
  const routes = async (family: '-4' | '-6') =>
    (await inside(name, 'ip', family, 'route')).split('\n').flatMap((line) => {
      const via = /^default via (\S+)/.exec(line)?.[1];
      return via === undefined ? [] : `${family.slice(1)} via ${via}`;
    });
  return [...(await routes('-4')), ...(await routes('-6'))];
}

const gateways = (n: number) => [`4 via 10.6${n}.0.1`, `6 via fd00:6${n}::1`];

async function startedAt(name: string): Promise<string> {
  const { stdout } = await machine.docker(
    'inspect',
    '-f',
    '{{.State.StartedAt}}',
    await berth.dockerName(name),
  );
  return stdout.trim();
}

/** Asks, and waits until the container's log of actions says how it ended. */
async function ask(name: string, verb: string, query: string): Promise<Answer> {
  const before = (await berth.request('GET', `/containers/${name}/container_actions`)).body.containerActions
    .length;
  const answer = await berth.request('POST', `/containers/${name}/${verb}?${query}`);
  assert.ok(answer.status < 300, JSON.stringify(answer.body));
  return until(`${verb} ${query} ends`, async () => {
    const { containerActions } = (await berth.request('GET', `/containers/${name}/container_actions`)).body;
    const [action] = containerActions;
    return containerActions.length > before && action.finish_time !== null ? action : undefined;
  });
}

async function attached(
  name: string,
  verb: 'network_attach' | 'network_detach' | 'default_gateway',
  query: string,
): Promise<void> {
  const action = await ask(name, verb, query);
  assert.equal(action.message, null, JSON.stringify(await berth.container(name)));
}

async function addresses(name: string): Promise<string[]> {
  const text = await inside(name, 'ip', 'addr');
  return [...text.matchAll(/inet6? (\S+)\/\d+.* scope global/g)].map((match) => match[1] ?? '').sort();
}

async function assertAsShown(name: string): Promise<string[]> {
  const shown = (await berth.addressesOf(name)).sort();
  await until('inside it is as shown', async () => (await addresses(name)).join() === shown.join());
  return shown;
}

const reaches = async (name: string, address: string) =>
  (await inside(name, 'ping', '-c', '1', '-W', '2', address)).includes(' 0% packet loss');

test('a container joins and leaves networks while it runs; its default routes follow, nothing else does', async () => {
  await run('boat', { nets: [{ network: 'net1' }], restart_policy: { Name: 'always' } });
  await run('mate', { nets: [{ network: 'net2' }] });
  const started = await startedAt('boat');
  const mate = await berth.addressesOf('mate');
  assert.deepEqual(await defaults('boat'), gateways(1));

  await attached('boat', 'network_attach', 'network=net2');
  assert.equal((await assertAsShown('boat')).length, 4);
  for (const address of mate) assert.ok(await reaches('boat', address), `${address} of the network joined`);
  assert.deepEqual(await defaults('boat'), gateways(1), 'the first gateway stays');

  await attached('boat', 'network_detach', 'network=net1');
  assert.equal((await assertAsShown('boat')).length, 2);
  assert.deepEqual(await defaults('boat'), gateways(2), 'the only gateway left');
  const ports = await berth.cli('port', 'list');
  assert.ok(!JSON.stringify(ports).includes('10.61.0.2"'), 'the port of the network left is gone');

  await attached('boat', 'network_attach', 'network=net1&fixed_ip=10.61.0.77');
  assert.ok((await assertAsShown('boat')).includes('10.61.0.77'));
  assert.deepEqual(await defaults('boat'), gateways(2));
  await attached('boat', 'network_attach', 'network=net3&default_gateway=true');
  assert.deepEqual(await defaults('boat'), gateways(3), 'the gateway that was asked for');
  await attached('boat', 'default_gateway', 'network=net1');
  // It has an address of version 4 alone there: version 6 goes by the first network that it has one on.
  assert.deepEqual(await defaults('boat'), ['4 via 10.61.0.1', '6 via fd00:62::1'], 'chosen afterwards');
  await attached('boat', 'default_gateway', 'network=net3');
  assert.deepEqual(await defaults('boat'), gateways(3));
  assert.equal(await startedAt('boat'), started, 'it never stopped');
});

test('the chosen gateway outlives restarts of the container, of Docker and of Berth', async () => {
  const shown = await assertAsShown('boat');
  await berth.request('POST', '/containers/boat/reboot?timeout=1');
  await until('it was restarted', async () => {
    const { status, task_state: task } = await berth.container('boat');
    return status === 'Running' && task === null;
  });
  const rightAgain = (when: string) =>
    until(`the gateway after a restart of ${when}`, async () => {
      const running = (await berth.container('boat')).status === 'Running';
      return running && (await defaults('boat')).join() === gateways(3).join();
    });
  await rightAgain('the container');
  await machine.restartDocker();
  await rightAgain('Docker');
  await berth.kill();
  await berth.up();
  await rightAgain('Berth');
  assert.deepEqual(await assertAsShown('boat'), shown);
});

test('errors: twice the same network, one it is not on, both or none, an address that is taken', async () => {
  const { uuid } = await berth.container('boat');
  const [mate] = await berth.addressesOf('mate');
  const cases: readonly (readonly [string, number, RegExp])[] = [
    ['network_attach?network=net3', 400, new RegExp(`is already connected to container '${uuid}'`)],
    ['network_attach?network=no-such', 404, /could not be found/],
    ['network_attach?network=public', 403, /external network/],
    ['network_attach?network=net1&port=x', 400, /cannot be given together/],
    ['network_detach?network=demo', 400, /is not attached to container/],
    ['network_detach?network=net1&port=x', 400, /exactly one/],
    ['network_detach?port=no-such', 404, /could not be found/],
  ];
  for (const [path, status, words] of cases) {
    const { status: got, body } = await berth.request('POST', `/containers/boat/${path}`);
    assert.equal(got, status, `${path}: ${JSON.stringify(body)}`);
    assert.match(body.errors[0].title, words, path);
  }
  await run('dinghy', { nets: [{ network: 'net1' }] });
  const taken = await berth.request(
    'POST',
    `/containers/dinghy/network_attach?network=net2&fixed_ip=${mate}`,
  );
  assert.equal(taken.status, 409, JSON.stringify(taken.body));
});

test('off its last network a container has none, also after a restart, and can join one again', async () => {
  for (const n of [1, 2, 3]) await attached('boat', 'network_detach', `network=net${n}`);
  assert.deepEqual(await assertAsShown('boat'), []);
  assert.deepEqual(await defaults('boat'), []);
  await berth.request('POST', '/containers/boat/reboot?timeout=1');
  await berth.untilStatus('boat', 'Running');
  assert.deepEqual(await assertAsShown('boat'), []);
  await attached('boat', 'network_attach', 'network=net1');
  assert.equal((await assertAsShown('boat')).length, 2);
  assert.deepEqual(await defaults('boat'), gateways(1));
  assert.ok(await reaches('boat', (await berth.addressesOf('dinghy'))[0] ?? ''));
});

test('networks of a stopped container change for its next start; the user’s own port is kept', async () => {
  await berth.cli('port', 'create', 'mooring', '--network', 'net3');
  const before = await berth.cli('port', 'show', 'mooring');
  await berth.request('POST', '/containers/dinghy/stop?timeout=1');
  await berth.untilStatus('dinghy', 'Stopped');
  await attached('dinghy', 'network_attach', 'port=mooring');
  await attached('dinghy', 'network_detach', 'network=net1');
  await berth.request('POST', '/containers/dinghy/start');
  await berth.untilStatus('dinghy', 'Running');
  const shown = await assertAsShown('dinghy');
  const own = before.fixed_ips.map((ip: Answer) => ip.ip_address).sort();
  assert.deepEqual(shown, own);
  assert.deepEqual(await defaults('dinghy'), gateways(3));
  await attached('dinghy', 'network_detach', 'port=mooring');
  const kept = await berth.cli('port', 'show', 'mooring');
  assert.equal(kept.device_id, '');
  assert.deepEqual(kept.fixed_ips, before.fixed_ips);
});

test('security groups of a running container act at once, on all its ports and both families', async () => {
  await berth.cli('security-group', 'create', 'shut');
  await berth.cli('security-group', 'create', 'web');
  for (const ethertype of ['IPv4', 'IPv6']) {
    await berth.cli(
      ...[
        'security-group',
        'rule',
        'create',
        'web',
        '--protocol',
        'tcp',
        '--dst-port',
        '80',
        '--ethertype',
        ethertype,
      ],
    );
  }
  const nets = [{ network: 'net1' }, { network: 'net2' }];
  await run('server', { nets, security_groups: ['shut'] }, listen);
  const started = await startedAt('server');
  await run('client', { nets });
  const all = await berth.addressesOf('server');
  const [server, client] = [await berth.dockerName('server'), await berth.dockerName('client')];
  await until('it listens', async () => {
    const { stdout } = await machine.docker('exec', server, 'cat', '/proc/net/tcp6');
    return stdout.includes(':0050 ');
  });
  const reach = async () => {
    const answers = [];
    for (const address of all) {
      answers.push((await machine.docker('exec', client, 'nc', '-w', '2', address, '80')).stdout.trim());
    }
    return answers.filter((answer) => answer === 'ahoy').length;
  };
  assert.equal(await reach(), 0);
  assert.equal((await ask('server', 'add_security_group', 'name=web')).message, null);
  await until('all four addresses answer', async () => (await reach()) === 4);
  assert.equal((await ask('server', 'remove_security_group', 'name=web')).message, null);
  await until('none answers', async () => (await reach()) === 0);
  const again = await berth.request('POST', '/containers/server/remove_security_group?name=web');
  assert.deepEqual([again.status, /was not added/.test(again.body.errors[0].title)], [400, true]);
  assert.equal(await startedAt('server'), started);
});

test('dual stack: both families go through a router, and both are filtered', async () => {
  await berth.cli('router', 'create', 'strait');
  for (const subnet of ['v4-1', 'v6-1', 'v4-2', 'v6-2']) {
    const { code, stderr } = await berth.client(
      'openrc',
      'openstack',
      'router',
      'add',
      'subnet',
      'strait',
      subnet,
    );
    assert.equal(code, 0, stderr);
  }
  await run('east', { nets: [{ network: 'net1' }], security_groups: ['shut'] }, listen);
  await run('west', { nets: [{ network: 'net2' }], security_groups: ['shut'] });
  const shown = await assertAsShown('east');
  assert.deepEqual(shown.map((address) => (address.includes(':') ? 6 : 4)).sort(), [4, 6]);
  assert.deepEqual(await defaults('west'), gateways(2));
  const { stdout } = await machine.docker(
    'inspect',
    '-f',
    '{{json .NetworkSettings.Networks}}',
    await berth.dockerName('east'),
  );
  const [endpoint] = Object.values(JSON.parse(stdout)) as Record<string, string>[];
  assert.deepEqual([endpoint?.IPAddress, endpoint?.GlobalIPv6Address].sort(), shown);
  assert.deepEqual([endpoint?.Gateway, endpoint?.IPv6Gateway], ['10.61.0.1', 'fd00:61::1']);
  const west = await berth.dockerName('west');
  const answers = async () => {
    const heard: string[] = [];
    for (const address of shown) {
      const { stdout: said } = await machine.docker('exec', west, 'nc', '-w', '2', address, '80');
      if (said.trim() === 'ahoy') heard.push(address);
    }
    return heard.join();
  };
  assert.equal(await answers(), '');
  const [v4 = '', v6 = ''] = shown[0]?.includes(':') ? [...shown].reverse() : shown;
  const rule = (ethertype: string) =>
    berth.cli(
      ...['security-group', 'rule', 'create', 'shut', '--protocol', 'tcp', '--dst-port', '80'],
      ...['--ethertype', ethertype],
    );
  await rule('IPv4');
  await until('version 4 alone comes through', async () => (await answers()) === v4);
  await rule('IPv6');
  await until(
    'both come through',
    async () => (await answers()).split(',').sort().join() === [v4, v6].sort().join(),
  );
});
