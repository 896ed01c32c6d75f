/**
 * The unmodified `openstack` command line against a listening server with nothing but identity on it: what an
 * administrator and a plain user do with it.
 */
import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import type { FastifyInstance } from 'fastify';
import { keystoneService } from '../../src/api/keystone/service.ts';
import { createServer } from '../../src/api/server.ts';
import { systemClock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { TestIdentity } from '../helpers/identity.ts';
import { OpenStackCli } from '../helpers/openstack-cli.ts';

interface Row {
  readonly [column: string]: unknown;
}

let world: TestIdentity;
let app: FastifyInstance;
let authUrl: string;
let admin: OpenStackCli;
let demo: OpenStackCli;

before(async () => {
  // The client compares expiry with its own clock.
  world = await TestIdentity.open({ clock: systemClock });
  await world.addUser('admin', 'admin');
  await world.addUser('demo');
  const log = silentLog();
  const config = { publicUrl: '', region: 'RegionOne' };
  app = await createServer({ log, services: [keystoneService({ identity: world.identity, config, log })] });
  await app.listen({ host: '127.0.0.1', port: 0 });
  authUrl = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}/identity/v3`;
  const user = (name: string) => ({ name, password: `${name}-password`, project: name });
  admin = OpenStackCli.forUser(authUrl, user('admin'));
  demo = OpenStackCli.forUser(authUrl, user('demo'));
});
after(async () => {
  await app.close();
  await world.close();
});

const names = (rows: readonly Row[]) => rows.map((row) => row.Name).sort();

describe('tokens and the catalog', () => {
  test('token issue and token revoke', async () => {
    const token = await demo.json<Row>('token', 'issue');
    assert.equal(token.project_id, (await world.identity.projects.list({ name: 'demo' }))[0]?.id);
    const text = String(token.id);
    await world.identity.tokens.validate(text);
    await demo.ok('token', 'revoke', text);
    await assert.rejects(world.identity.tokens.validate(text));
  });

  test('the version is discovered from an URL without one', async () => {
    const unversioned = OpenStackCli.forUser(authUrl.replace(/\/v3$/, ''), {
      name: 'demo',
      password: 'demo-password',
      project: 'demo',
    });
    assert.ok((await unversioned.json<Row>('token', 'issue')).id);
  });

  test('a wrong password is refused in words', async () => {
    const said = await demo.refusal('--os-password', 'wrong', 'token', 'issue');
    assert.match(said, /requires authentication.*HTTP 401/);
  });

  test('catalog list, service list, endpoint list, region list', async () => {
    const catalog = await demo.json<Row[]>('catalog', 'list');
    const types = catalog.map((row) => row.Type);
    assert.deepEqual(
      types.filter((type) => ['identity', 'container', 'network'].includes(String(type))).sort(),
      ['container', 'identity', 'network'],
    );
    const services = await admin.json<Row[]>('service', 'list');
    assert.equal(services.length, catalog.length);
    const endpoints = await admin.json<Row[]>('endpoint', 'list', '--service', 'identity');
    assert.deepEqual(endpoints.map((row) => row.Interface).sort(), ['admin', 'internal', 'public']);
    assert.equal(endpoints[0]?.URL, authUrl);
    assert.equal((await admin.json<Row[]>('region', 'list'))[0]?.Region, 'RegionOne');
  });
});

describe('an administrator', () => {
  test('makes, changes, shows and deletes a project', async () => {
    const made = await admin.json<Row>('project', 'create', '--description', 'x', '--tag', 'a', 'lab');
    assert.deepEqual(
      [made.name, made.description, made.domain_id, made.tags],
      ['lab', 'x', 'default', ['a']],
    );
    assert.match(await admin.refusal('project', 'create', 'lab'), /Conflict.*HTTP 409/);
    await admin.ok('project', 'set', '--disable', '--description', 'y', 'lab');
    const shown = await admin.json<Row>('project', 'show', 'lab');
    assert.deepEqual([shown.id, shown.enabled, shown.description], [made.id, false, 'y']);
    assert.deepEqual(names(await admin.json('project', 'list')), ['admin', 'demo', 'lab']);
    await admin.ok('project', 'delete', 'lab');
    assert.match(await admin.refusal('project', 'show', 'lab'), /No project with a name or ID of 'lab'/);
  });

  test('makes a user, gives it a role and takes both away', async () => {
    const made = await admin.json<Row>('user', 'create', '--project', 'demo', '--password', 'first', 'eve');
    assert.ok(!('password' in made));
    await admin.ok('role', 'add', '--project', 'demo', '--user', 'eve', 'reader');
    const of = ['--user', 'eve', '--project', 'demo', '--names'];
    const [assignment] = await admin.json<Row[]>('role', 'assignment', 'list', ...of);
    assert.deepEqual(
      [assignment?.Role, assignment?.User, assignment?.Project],
      ['reader', 'eve@Default', 'demo@Default'],
    );
    await admin.ok('user', 'set', '--password', 'second', 'eve');
    const eve = (password: string) =>
      OpenStackCli.forUser(authUrl, { name: 'eve', password, project: 'demo' });
    await eve('first').refusal('token', 'issue');
    await eve('second').ok('token', 'issue');
    assert.ok(names(await admin.json('user', 'list', '--project', 'demo')).includes('eve'));
    await admin.ok('role', 'remove', '--project', 'demo', '--user', 'eve', 'reader');
    await eve('second').refusal('token', 'issue');
    await admin.ok('user', 'delete', 'eve');
    assert.deepEqual(names(await admin.json('user', 'list')), ['admin', 'demo']);
  });

  test('makes and deletes a role; lists roles, implied roles and domains', async () => {
    await admin.ok('role', 'create', 'auditor');
    await admin.ok('role', 'set', '--description', 'reads everything', 'auditor');
    assert.equal((await admin.json<Row>('role', 'show', 'auditor')).description, 'reads everything');
    assert.ok(names(await admin.json('role', 'list')).includes('auditor'));
    await admin.ok('role', 'delete', 'auditor');
    assert.equal((await admin.json<Row[]>('implied', 'role', 'list')).length, 2);
    assert.deepEqual(names(await admin.json('domain', 'list')), ['Default']);
    assert.deepEqual(await admin.json('group', 'list'), []);
  });
});

describe('a plain user', () => {
  test('sees the own project and user, and is refused the lists', async () => {
    assert.deepEqual(names(await demo.json('project', 'list')), ['demo']);
    assert.equal((await demo.json<Row>('user', 'show', 'demo')).name, 'demo');
    assert.match(await demo.refusal('user', 'list'), /not authorized.*identity:list_users.*HTTP 403/);
    await demo.refusal('project', 'create', 'mine');
  });

  test('changes the own password', async () => {
    await world.addUser('frank');
    const frank = (password: string) =>
      OpenStackCli.forUser(authUrl, { name: 'frank', password, project: 'frank' });
    await frank('frank-password').ok(
      ...['user', 'password', 'set', '--original-password', 'frank-password', '--password', 'new'],
    );
    await frank('new').ok('token', 'issue');
  });

  test('makes an application credential and logs in with it', async () => {
    const expires = ['--expiration', '2099-01-01T00:00:00'];
    const made = await demo.json<Row>(
      ...(['application', 'credential', 'create', '--role', 'reader', ...expires, 'ci'] as const),
    );
    assert.deepEqual([made.name, made.roles, made.unrestricted], ['ci', 'reader', false]);
    const program = new OpenStackCli({
      OS_AUTH_URL: authUrl,
      OS_AUTH_TYPE: 'v3applicationcredential',
      OS_APPLICATION_CREDENTIAL_ID: String(made.id),
      OS_APPLICATION_CREDENTIAL_SECRET: String(made.secret),
    });
    const token = await program.json<Row>('token', 'issue');
    assert.equal(token.project_id, made.project_id);
    const caller = await world.identity.authenticate(String(token.id), 'req');
    assert.deepEqual(caller.roles, ['reader']);
    await program.refusal('application', 'credential', 'create', 'another');

    assert.deepEqual(names(await demo.json('application', 'credential', 'list')), ['ci']);
    const shown = await demo.json<Row>('application', 'credential', 'show', 'ci');
    assert.ok(shown.id === made.id && !('secret' in shown));
    await demo.ok('application', 'credential', 'delete', 'ci');
    await program.refusal('token', 'issue');
  });
});
