/**
 * The unmodified `zun` and `openstack appcontainer` command lines against a listening server: identity and the
 * container API are real, network and agent are the small models of test/helpers.
 */
import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import type { FastifyInstance } from 'fastify';
import { keystoneService } from '../../src/api/keystone/service.ts';
import { createServer } from '../../src/api/server.ts';
import { rewriteZunUrl } from '../../src/api/zun/rewrite-url.ts';
import { zunService } from '../../src/api/zun/service.ts';
import { systemClock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { createWorld, type World } from '../helpers/container-world.ts';
import { TestIdentity } from '../helpers/identity.ts';
import { OpenStackCli } from '../helpers/openstack-cli.ts';
import { until } from '../helpers/until.ts';

let identity: TestIdentity;
let world: World;
let app: FastifyInstance;
let demo: OpenStackCli;
let zun: OpenStackCli;
let zunAdmin: OpenStackCli;
let demoProject: string;

before(async () => {
  identity = await TestIdentity.open({ clock: systemClock });
  await identity.addUser('admin', 'admin');
  demoProject = (await identity.addUser('demo')).project.id;
  world = await createWorld();
  const log = silentLog();
  app = await createServer({
    log,
    rewriteUrl: rewriteZunUrl,
    services: [
      keystoneService({ identity: identity.identity, config: world.config, log }),
      zunService({ control: world.control, authenticator: identity.identity, config: world.config }),
    ],
  });
  await app.listen({ host: '127.0.0.1', port: 0 });
  const authUrl = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}/identity/v3`;
  const user = (name: string) => ({ name, password: `${name}-password`, project: name });
  demo = OpenStackCli.forUser(authUrl, user('demo'));
  zun = demo.with('zun');
  zunAdmin = OpenStackCli.forUser(authUrl, user('admin')).with('zun');
});
after(async () => {
  await app.close();
  await world.close();
  await identity.close();
});

interface Shown {
  readonly uuid: string;
  readonly name: string;
  readonly status: string;
  readonly [field: string]: unknown;
}

type Row = Pick<Shown, 'name' | 'status'>;

const show = async (name: string): Promise<Shown> => JSON.parse(await zun.ok('show', '-f', 'json', name));

async function reaches(name: string, status: string): Promise<Shown> {
  return until(`${name} ${status}`, async () => {
    const now = await show(name);
    return now.status === status && now;
  });
}

describe('zun', () => {
  test('version-list tells that the API goes up to 1.41', async () => {
    assert.match(await zun.ok('version-list'), /v1\s*\|\s*CURRENT\s*\|\s*1\.1\s*\|\s*1\.41/);
  });

  test('a container’s life: run, list, logs, exec, stats, stop, start, rename, delete', async () => {
    const printed = await zun.ok(
      'run',
      ...['--name', 'web', '--cpu', '0.5', '-m', '256', '-e', 'A=1', '--label', 'app=web'],
      ...[
        '--restart',
        'on-failure:3',
        '--net',
        'network=private',
        '-p',
        '80/tcp',
        'busybox',
        'sleep',
        '1000',
      ],
    );
    assert.match(printed, /uuid/);
    const running = await reaches('web', 'Running');
    assert.equal(running.memory, '256');
    assert.match(await zun.ok('list', '--status', 'Running'), /web/);
    assert.match(await zun.ok('logs', 'web'), /^log of /);
    assert.equal((await zun.ok('exec', 'web', 'echo', 'a b')).trimEnd(), 'echo|a b');
    assert.match(await zun.ok('stats', 'web'), /MEM USAGE\(MiB\)/);
    assert.match(await zun.ok('network-list', 'web'), /net-private/);
    await zun.ok('stop', 'web');
    await reaches('web', 'Stopped');
    // The client says so and exits with 0 all the same: it may have been several containers.
    assert.match(await zun.ok('pause', 'web'), /Cannot pause container .* in Stopped state/);
    await zun.ok('start', 'web');
    await reaches('web', 'Running');
    await zun.ok('update', '--name', 'website', '--memory', '512', 'web');
    assert.match(await zun.ok('action-list', 'website'), /create/);
    await zun.ok('delete', '--stop', 'website');
    await until('it is gone', async () => (await zun.run('show', 'website')).code !== 0);
    assert.match(await zun.refusal('show', 'website'), /Container website could not be found/);
  });

  test('what the caller did wrong is said in the server’s words', async () => {
    assert.match(await zun.refusal('create', '-m', '2', 'busybox'), /2'? is less than the minimum of 4/);
    assert.match(
      await zun.refusal('create', '--net', 'network=missing', 'busybox'),
      /missing could not be found/,
    );
    assert.match(await zun.refusal('host-list'), /Policy doesn't allow host:get_all/);
    assert.match(await zun.refusal('attach', 'nobody'), /could not be found/);
  });

  test('administrators see services, hosts and quotas', async () => {
    assert.match(await zunAdmin.ok('service-list'), /host-1\s*\|\s*zun-compute\s*\|\s*up/);
    assert.match(await zunAdmin.ok('host-list'), /host-1/);
    assert.match(await zunAdmin.ok('host-show', 'host-1'), /kernel_version/);
    await zunAdmin.ok('service-disable', 'host-1', 'zun-compute', '--reason', 'repair');
    await zunAdmin.ok('service-enable', 'host-1', 'zun-compute');
    await zunAdmin.ok('quota-update', '--containers', '7', demoProject);
    assert.match(await zunAdmin.ok('quota-get', demoProject, '--usages'), /containers\s*\|\s*7/);
    await zunAdmin.ok('quota-delete', demoProject);
    assert.match(await zunAdmin.ok('availability-zone-list'), /nova/);
  });
});

describe('openstack appcontainer', () => {
  test('create --wait, list, show, set, exec, top, delete --wait', async () => {
    const run = await demo.ok('appcontainer', 'run', '--wait', '--name', 'box', 'busybox', 'sleep', '1000');
    assert.match(run, /busybox/);
    const rows = await demo.json<Row[]>('appcontainer', 'list', '--name', 'box');
    assert.deepEqual(
      rows.map(({ name, status }) => [name, status]),
      [['box', 'Running']],
    );
    const shown = await demo.json<Shown>('appcontainer', 'show', 'box');
    assert.equal(shown.image, 'busybox');
    await demo.ok('appcontainer', 'set', '--name', 'crate', 'box');
    assert.match(await demo.ok('appcontainer', 'exec', 'crate', 'id'), /^id/);
    await demo.ok('appcontainer', 'kill', 'crate');
    await until('it is stopped', async () => {
      const now = await demo.json<Shown>('appcontainer', 'show', 'crate');
      return now.status === 'Stopped';
    });
    await demo.ok('appcontainer', 'delete', '--wait', 'crate');
    assert.deepEqual(await demo.json('appcontainer', 'list', '--name', 'crate'), []);
  });
});
