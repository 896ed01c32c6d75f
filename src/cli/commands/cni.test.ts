import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, test } from 'node:test';
import { main } from '../main.ts';

const folder = mkdtempSync(join(tmpdir(), 'berth-cli-cni-'));
after(() => rmSync(folder, { recursive: true }));

const root = resolve(import.meta.dirname, '../../..');
const places = ['--bin-dir', join(folder, 'bin'), '--conf-dir', join(folder, 'net.d')];
const plugin = join(folder, 'bin/berth-cni');
const configuration = join(folder, 'net.d/50-pods.conflist');

async function berth(...argv: readonly string[]) {
  const seen = { stdout: '', stderr: '' };
  const stream = (name: keyof typeof seen) => ({
    write: (text: string) => {
      seen[name] += text;
    },
  });
  const code = await main(argv, {
    stdout: stream('stdout'),
    stderr: stream('stderr'),
    env: { BERTH_STATE_DIR: join(folder, 'state') },
    cwd: folder,
    home: folder,
    root,
    sleep: async () => undefined,
  });
  return { code, ...seen };
}

test('install links the plugin and writes a configuration; uninstall takes both away', async () => {
  const words = ['--network', 'pods', '--security-group', 'web', ...places, '-f', 'json'];
  const installed = await berth('cni', 'install', 'pods', ...words);
  assert.equal(installed.code, 0, installed.stderr);
  assert.deepEqual(JSON.parse(installed.stdout), { name: 'pods', configuration, plugin });
  assert.equal(readlinkSync(plugin), join(root, 'berth-cni'));
  const { plugins, ...list } = JSON.parse(readFileSync(configuration, 'utf8'));
  assert.deepEqual(list, { cniVersion: '0.4.0', name: 'pods' });
  assert.equal(plugins[0].network, 'pods');
  assert.equal(plugins[0].stateDir, join(folder, 'state'));
  assert.deepEqual(plugins[0].securityGroups, ['web']);
  assert.equal((await berth('cni', 'install', 'pods', ...places)).code, 0, 'a second time');
  assert.equal((await berth('cni', 'uninstall', 'pods', ...places)).code, 0);
  assert.ok(!existsSync(plugin) && !existsSync(configuration));
  assert.equal((await berth('cni', 'uninstall', 'pods', ...places)).code, 0, 'a second time');
});

test('what is not ours is left alone', async () => {
  mkdirSync(join(folder, 'bin'), { recursive: true });
  mkdirSync(join(folder, 'net.d'), { recursive: true });
  writeFileSync(plugin, 'theirs');
  const first = await berth('cni', 'install', 'pods', ...places);
  assert.match(first.stderr, /berth-cni is there and is not ours/);
  rmSync(plugin);
  writeFileSync(configuration, '{"name":"theirs"}');
  for (const verb of ['install', 'uninstall']) {
    const { code, stderr } = await berth('cni', verb, 'pods', ...places);
    assert.equal(code, 2);
    assert.match(stderr, /choose another name/);
  }
  assert.equal(readFileSync(configuration, 'utf8'), '{"name":"theirs"}');
  assert.equal((await berth('cni', 'install', 'a/b', ...places)).code, 2);
});
