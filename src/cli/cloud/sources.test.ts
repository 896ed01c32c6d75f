import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import type { GlobalOptions } from './options.ts';
import { findCloud } from './sources.ts';
import { tokenFile } from './token-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'berth-sources-'));
after(() => rmSync(folder, { recursive: true }));
let places = 0;

/** A home, a working folder and a state folder of its own, with these files in them. */
function place(files: Readonly<Record<string, string>>) {
  places += 1;
  const root = join(folder, String(places));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  }
  const find = (options: GlobalOptions, env: Record<string, string> = {}) =>
    findCloud(options, {
      cwd: join(root, 'cwd'),
      home: join(root, 'home'),
      env: { BERTH_STATE_DIR: join(root, 'state'), ...env },
    });
  return { root, find };
}

function clouds(...names: string[]): string {
  const entries = names.map((name) => [
    name,
    { auth: { auth_url: `http://${name}`, username: 'u', password: 'p', project_name: 'demo' } },
  ]);
  // JSON is YAML.
  return JSON.stringify({ clouds: Object.fromEntries(entries) });
}

const openstack = { OS_AUTH_URL: 'http://env', OS_USERNAME: 'u', OS_PASSWORD: 'p', OS_PROJECT_NAME: 'x' };
const everywhere = {
  'cwd/clouds.yaml': clouds('here'),
  'home/.config/openstack/clouds.yaml': clouds('home', 'here'),
  'state/clouds.yaml': clouds('berth', 'berth-admin'),
  'elsewhere.yaml': clouds('elsewhere'),
};

test('a named cloud wins over variables, and an option over OS_CLOUD', async () => {
  const { find } = place(everywhere);
  const url = async (options: GlobalOptions, env = {}) =>
    (await find(options, { ...openstack, ...env })).credentials.authUrl;
  assert.equal(await url({ osCloud: 'home' }), 'http://home');
  assert.equal(await url({}, { OS_CLOUD: 'home' }), 'http://home');
  assert.equal(await url({ osCloud: 'here' }, { OS_CLOUD: 'home' }), 'http://here');
  assert.equal(await url({ osCloud: 'berth-admin' }), 'http://berth-admin');
  assert.equal(await url({}), 'http://env');
});

test('without anything said: the only cloud of the usual files, else the Berth on this machine', async () => {
  assert.equal((await place(everywhere).find({})).credentials.authUrl, 'http://here');
  const { 'cwd/clouds.yaml': _, ...rest } = everywhere;
  assert.equal((await place(rest).find({})).credentials.authUrl, 'http://berth');
});

test('OS_CLIENT_CONFIG_FILE is looked at first', async () => {
  const { root, find } = place(everywhere);
  const { credentials } = await find({}, { OS_CLIENT_CONFIG_FILE: join(root, 'elsewhere.yaml') });
  assert.equal(credentials.authUrl, 'http://elsewhere');
});

test('--state-dir means that Berth, whatever the variables say', async () => {
  const { root, find } = place({ ...everywhere, 'other/clouds.yaml': clouds('berth', 'here') });
  const stateDir = join(root, 'other');
  assert.equal((await find({ stateDir }, openstack)).credentials.authUrl, 'http://berth');
  assert.match((await find({ stateDir, osCloud: 'here' })).from, /other\/clouds.yaml/);
});

test('single options win over what the cloud says', async () => {
  const { find } = place(everywhere);
  const { credentials } = await find({ osCloud: 'here', osProjectName: 'other', osRegionName: 'B' });
  assert.deepEqual(credentials.project, { name: 'other', domain: { name: 'Default' } });
  assert.equal(credentials.region, 'B');
});

test('tokens and application credentials are logged in with as such', async () => {
  const { find } = place({});
  const logIn = async (env: Record<string, string>) =>
    (await find({}, { OS_AUTH_URL: 'http://env', ...env })).credentials.logIn;
  assert.deepEqual(await logIn({ OS_TOKEN: 't' }), { kind: 'token', token: 't' });
  assert.deepEqual(
    await logIn({
      OS_AUTH_TYPE: 'v3applicationcredential',
      OS_APPLICATION_CREDENTIAL_ID: 'i',
      OS_APPLICATION_CREDENTIAL_SECRET: 's',
    }),
    { kind: 'application-credential', credential: { id: 'i' }, secret: 's' },
  );
});

test('what is missing is named, and so is what to do', async () => {
  const { find } = place({ 'cwd/clouds.yaml': clouds('here') });
  await assert.rejects(place({}).find({}), /no --os-cloud, no OS_AUTH_URL, no clouds.yaml/);
  await assert.rejects(find({ osCloud: 'nope' }), /there is no cloud nope .* there are here/);
  await assert.rejects(find({}, { OS_AUTH_URL: 'http://env' }), /username is missing/);
  await assert.rejects(find({}, { OS_AUTH_URL: 'http://env', OS_USERNAME: 'u' }), /password is missing/);
  await assert.rejects(find({}, { ...openstack, OS_INTERFACE: 'inner' }), /interface inner/);
  await assert.rejects(place({ 'cwd/clouds.yaml': 'clouds: [' }).find({}), /clouds.yaml: /);
});

test('a token is kept for its owner only, and not for another password', () => {
  const { root } = place({});
  const credentials = (password: string) =>
    ({ authUrl: 'http://h', interface: 'public', logIn: { kind: 'password', user: {}, password } }) as const;
  const token = { value: 'v', expiresAt: '', userId: '', userName: '', roles: [], catalog: [] };
  const store = tokenFile(root, credentials('a'));
  assert.equal(store.load(), undefined);
  store.save({ ...token, projectId: undefined, projectName: undefined });
  assert.equal(store.load()?.value, 'v');
  assert.equal(tokenFile(root, credentials('b')).load(), undefined);
  const name = readdirSync(join(root, 'berth'))[0] ?? '';
  assert.equal(statSync(join(root, 'berth', name)).mode & 0o777, 0o600);
  writeFileSync(join(root, 'berth', name), 'not JSON');
  assert.equal(store.load(), undefined);
  store.forget();
  assert.deepEqual(readdirSync(join(root, 'berth')), []);
});
