import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { systemClock as clock } from '../../base/clock.ts';
import { loadConfig } from '../../base/config.ts';
import { silentLog } from '../../base/log.ts';
import { statePaths } from '../../base/state-paths.ts';
import { type Db, openDatabase } from '../../store/database.ts';
import { Identity } from '../identity/identity.ts';
import { createNetworkControl, type NetworkControl } from '../network/network-control.ts';
import { bootstrap } from './bootstrap.ts';
import { readAccounts } from './credentials.ts';
import { findProjectCaller } from './member.ts';

const log = silentLog();
const config = loadConfig({ env: {} });
const url = 'http://127.0.0.1:9517';

let stateDir: string;
let db: Db;
let identity: Identity;
let network: NetworkControl;

beforeEach(async () => {
  stateDir = mkdtempSync(join(tmpdir(), 'berth-bootstrap-'));
  db = await openDatabase(':memory:');
  identity = await Identity.open({ db, clock, ...config.identity });
  network = createNetworkControl({ db, config, clock, log, waker: { wake: () => undefined } });
});

afterEach(async () => {
  await db.destroy();
  rmSync(stateDir, { recursive: true });
});

async function start(over: Partial<Parameters<typeof bootstrap>[0]> = {}) {
  return await bootstrap({ db, identity, network, config, files: statePaths(stateDir), log, ...over });
}

async function logIn(name: string, password: string): Promise<void> {
  const domain = { id: 'default' };
  await identity.logIn.authenticate({
    credentials: { method: 'password', user: { name, domain }, password },
    scope: { kind: 'project', project: { name, domain } },
    address: '127.0.0.1',
  });
}

async function everything() {
  const admin = { ...(await findProjectCaller(identity, 'admin')), isAdmin: true };
  const names = (list: readonly { readonly name: string }[]) => list.map(({ name }) => name).sort();
  return {
    projects: names(await identity.projects.list()),
    users: names(await identity.users.list()),
    networks: names(await network.networks.list(admin)),
    subnets: names(await network.subnets.list(admin)),
    routers: names(await network.routers.list(admin)),
    groups: names(await network.securityGroups.list(admin)),
  };
}

const complete = {
  projects: ['admin', 'demo'],
  users: ['admin', 'demo'],
  networks: ['demo', 'public'],
  subnets: ['demo-subnet', 'public-subnet'],
  routers: ['demo-router'],
  groups: ['default', 'default'],
};

test('a first start makes projects, users and networks, and credentials that only their owner can read', async () => {
  await (await start()).publish(url);
  assert.deepEqual(await everything(), complete);
  const files = statePaths(stateDir);
  for (const file of [files.cloudsYaml, files.openrc, files.openrcAdmin]) {
    assert.equal(statSync(file).mode & 0o777, 0o600);
  }
  assert.equal(statSync(stateDir).mode & 0o777, 0o700);
  const accounts = readAccounts(files) ?? [];
  assert.deepEqual(
    accounts.map(({ cloud, user }) => [cloud, user]),
    [
      ['berth', 'demo'],
      ['berth-admin', 'admin'],
    ],
  );
  for (const { user, password } of accounts) await logIn(user, password);
  assert.match(
    readFileSync(files.openrc, 'utf8'),
    /^export OS_AUTH_URL=http:\/\/127\.0\.0\.1:9517\/identity\/v3$/m,
  );
});

test('a start that was killed at any step is completed by the next', async () => {
  const steps = ['networks', 'subnets', 'routers'] as const;
  for (const step of steps) {
    const broken = { ...network, [step]: failing() };
    await assert.rejects(start({ network: broken as unknown as NetworkControl }), /killed/);
  }
  await start(); // killed before it could publish
  await (await start()).publish(url);
  assert.deepEqual(await everything(), complete);
  for (const { user, password } of readAccounts(statePaths(stateDir)) ?? []) await logIn(user, password);
});

test('later starts keep passwords and what was deleted, and follow the address', async () => {
  await (await start()).publish(url);
  const files = statePaths(stateDir);
  const before = readAccounts(files);
  const demo = await findProjectCaller(identity, 'demo');
  const group = await network.securityGroups.create(demo, [{ name: 'mine' }]);
  const [outside] = await network.networks.list({ ...demo, isAdmin: true }, { name: ['public'] });
  assert.ok(outside);
  await network.networks.update({ ...demo, isAdmin: true }, outside.id, { name: 'renamed' });

  await (await start()).publish('http://192.0.2.1:80');
  assert.deepEqual(readAccounts(files), before);
  assert.match(readFileSync(files.cloudsYaml, 'utf8'), /http:\/\/192\.0\.2\.1:80\/identity\/v3/);
  assert.deepEqual((await everything()).networks, ['demo', 'renamed']);
  assert.equal(group.length, 1);

  rmSync(files.cloudsYaml);
  await (await start()).publish(url);
  assert.equal(readAccounts(files), undefined);
});

function failing(): unknown {
  const fail = () => Promise.reject(new Error('killed'));
  return new Proxy({}, { get: () => fail });
}
