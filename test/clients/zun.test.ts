/**
 * The unmodified `zun` and `openstack appcontainer` command lines against a listening server: identity and the
 * container API are real, network and agent are the small models of test/helpers.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { World } from '../helpers/container-world.ts';
import type { OpenStackCli } from '../helpers/openstack-cli.ts';
import { until } from '../helpers/until.ts';
import { openZunCloud, type ZunCloud } from '../helpers/zun-cloud.ts';

let cloud: ZunCloud;
let world: World;
let demo: OpenStackCli;
let zun: OpenStackCli;
let zunAdmin: OpenStackCli;
let demoProject: string;

before(async () => {
  cloud = await openZunCloud();
  ({ world, demo, demoProject } = cloud);
  zun = demo.with('zun');
  zunAdmin = cloud.admin.with('zun');
});
after(() => cloud.close());

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

describe('zun: registries, images, services, quota classes, actions', () => {
  test('registry-create, -show, -list, -update, -delete', async () => {
    const made = await zun.ok(
      'registry-create',
      '--name',
      'reg',
      '--domain',
      'r.example:5000',
      '--username',
      'ann',
      '--password',
      'secret',
    );
    assert.match(made, /r\.example:5000/);
    assert.doesNotMatch(made, /secret/);
    await zun.ok('registry-update', '--username', 'bob', 'reg');
    assert.match(await zun.ok('registry-show', 'reg'), /\| username\s*\| bob/);
    assert.match(await zun.ok('registry-list'), /reg\s*\|\s*r\.example:5000\s*\|\s*bob\s*\|\s*\*\*\*/);
    const printed = await zun.ok('create', '--name', 'private', '--registry', 'reg', 'team/app');
    assert.match(printed, /registry_id\s*\|\s*[0-9a-f-]{36}/);
    await until('it is made', async () => (await show('private')).status === 'Created');
    assert.match(await zun.ok('registry-delete', 'reg'), /in use by container private/);
    await zun.ok('delete', 'private');
    await until('it is gone', async () => (await zun.run('show', 'private')).code !== 0);
    await zun.ok('registry-delete', 'reg');
    assert.doesNotMatch(await zun.ok('registry-list'), /r\.example/);
  });

  test('pull, image-list, image-show, image-search, image-delete', async () => {
    const pulled = await zunAdmin.ok('pull', 'nginx:1.25', 'host-1');
    const [uuid = ''] = /[0-9a-f]{8}-[0-9a-f-]{27}/.exec(pulled) ?? [];
    await until('it is there', async () => /sha256:1/.test(await zunAdmin.ok('image-show', uuid)));
    assert.match(await zunAdmin.ok('image-list'), /nginx\s*\|\s*1\.25/);
    assert.match(await zun.ok('image-search', 'library/nginx'), /library\/nginx-slim/);
    assert.doesNotMatch(await zun.ok('image-search', '--exact-match', 'nginx'), /slim/);
    await zunAdmin.ok('image-delete', uuid);
    await until('it is gone', async () => world.agent.images.size === 0);
    assert.match(await zun.refusal('image-list'), /Policy doesn't allow image:get_all/);
  });

  test('service-force-down, service-delete, quota-class-*, quota-defaults, action-show', async () => {
    await zunAdmin.ok('service-force-down', 'host-1', 'zun-compute');
    assert.match(await zunAdmin.ok('service-list'), /host-1\s*\|\s*zun-compute\s*\|\s*down/);
    await zunAdmin.ok('service-force-down', '--unset', 'host-1', 'zun-compute');
    await zunAdmin.ok('service-delete', 'host-1', 'zun-compute');
    assert.doesNotMatch(await zunAdmin.ok('service-list'), /host-1/);
    await world.agent.beat();
    assert.match(await zunAdmin.ok('service-list'), /host-1/);
    await zunAdmin.ok('quota-class-update', '--containers', '77', 'default');
    assert.match(await zunAdmin.ok('quota-class-get', 'default'), /containers\s*\|\s*77/);
    assert.match(await zunAdmin.ok('quota-defaults', demoProject), /containers\s*\|\s*77/);
    await zun.ok('create', '--name', 'logged', 'busybox');
    const [request = ''] = /req-[0-9a-f-]{36}/.exec(await zun.ok('action-list', 'logged')) ?? [];
    assert.match(await zun.ok('action-show', 'logged', request), /compute__do_container_create/);
  });
});

describe('openstack appcontainer', () => {
  test('registries, images, services and quotas', async () => {
    const words = (text: string) => ['appcontainer', ...text.split(' ')];
    await demo.ok(
      ...words('registry create --name osreg --domain r.example --username ann --password secret'),
    );
    assert.match(await demo.ok(...words('registry list')), /osreg/);
    await demo.ok(...words('registry update --name other osreg'));
    assert.match(await demo.ok(...words('registry show other')), /r\.example/);
    await demo.ok(...words('registry delete other'));
    const adminCli = zunAdmin.with('openstack');
    const pulled = await adminCli.ok(...words('image pull busybox host-1'));
    const [uuid = ''] = /[0-9a-f]{8}-[0-9a-f-]{27}/.exec(pulled) ?? [];
    await until('it is there', async () =>
      /sha256:1/.test(await adminCli.ok(...words(`image show ${uuid}`))),
    );
    assert.match(await adminCli.ok(...words('image list')), /busybox/);
    await adminCli.ok(...words(`image delete ${uuid}`));
    assert.match(await demo.ok(...words('image search nginx')), /nginx-slim/);
    assert.match(await adminCli.ok(...words('service list')), /host-1/);
    await adminCli.ok(...words('service disable host-1 zun-compute'));
    await adminCli.ok(...words('service enable host-1 zun-compute'));
    assert.match(await adminCli.ok(...words('host show host-1')), /kernel_version/);
    await adminCli.ok(...words('quota class update --containers 66 default'));
    assert.match(await adminCli.ok(...words(`quota default ${demoProject}`)), /66/);
    assert.match(await demo.ok(...words('availability zone list')), /nova/);
  });

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
