/**
 * The server process killed while it tells of events: a webhook that the command line made, and NATS, miss nothing of it. Docker does not
 * answer here: that a container finds no host is an event, too.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { connect, type Msg } from '@nats-io/transport-node';
import { statePaths } from '../../src/base/state-paths.ts';
import { main } from '../../src/cli/main.ts';
import { askStatus } from '../../src/client/control.ts';
import { behaviours, HookReceiver } from '../helpers/hook-receiver.ts';
import { NatsServer } from '../helpers/nats-server.ts';
import { until } from '../helpers/until.ts';

const root = resolve(import.meta.dirname, '../..');
const secret = 'a-secret-of-mine-1';
const token = 'token-of-nats-4711';
let folder: string;
let stateDir: string;
let nats: NatsServer;
let receiver: HookReceiver;
let server: ChildProcess | undefined;
let log = '';

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'berthd-'));
  stateDir = join(folder, 'state');
  nats = await NatsServer.start({ authorization: { token } });
  receiver = await HookReceiver.start();
});
after(async () => {
  await kill();
  await nats[Symbol.asyncDispose]();
  await receiver[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

async function start(): Promise<void> {
  const args = [join(root, 'bin/berthd.ts'), '--state-dir', stateDir];
  const env = {
    PATH: process.env.PATH,
    BERTH_LISTEN_PORT: '0',
    BERTH_LOG_LEVEL: 'trace',
    BERTH_KURYR_PLUGIN_DIR: join(folder, 'plugins'),
    BERTH_WEBHOOKS_ALLOWED_ADDRESSES: '127.0.0.1/32',
    BERTH_EVENTS_NATS_SERVERS: nats.url,
    BERTH_EVENTS_NATS_TOKEN: token,
    DOCKER_HOST: `unix://${join(folder, 'docker.sock')}`,
  };
  server = spawn(process.execPath, args, { env, stdio: ['ignore', 'ignore', 'pipe'] });
  server.stderr?.on('data', (chunk) => {
    log += chunk;
  });
  await until('the server is ready', async () => {
    const status = await askStatus(statePaths(stateDir).controlSocket);
    return status?.phase === 'ready';
  });
}

async function kill(): Promise<void> {
  const running = server;
  server = undefined;
  if (!running) return;
  running.kill('SIGKILL');
  await once(running, 'exit');
}

async function berth(...argv: string[]): Promise<string> {
  const seen = { stdout: '', stderr: '' };
  const stream = (name: keyof typeof seen) => ({
    write: (text: string) => {
      seen[name] += text;
    },
  });
  const code = await main(argv, {
    stdout: stream('stdout'),
    stderr: stream('stderr'),
    env: { BERTH_STATE_DIR: stateDir, XDG_CACHE_HOME: join(folder, 'cache') },
    cwd: folder,
    home: folder,
    root,
    sleep: (ms: number) => new Promise((done) => setTimeout(done, ms)),
  });
  assert.equal(code, 0, `berth ${argv.join(' ')}: ${seen.stderr}`);
  return seen.stdout;
}

test('events reach a webhook and NATS although the server is killed while it tells of them', async () => {
  await start();
  writeFileSync(join(folder, 'secret.txt'), secret);
  await berth('webhook', 'create', receiver.url, '--name', 'bills', '--secret-file', 'secret.txt');
  await berth('webhook', 'test', 'bills');
  assert.equal(receiver.heard[0]?.body.type, 'webhook.test');
  const subscriber = await connect({ servers: nats.url, token });
  const published: Msg[] = [];
  subscriber.subscribe('berth.containers.>', {
    callback: (_error, message) => {
      published.push(message);
    },
  });
  await subscriber.flush();

  receiver.behave = behaviours.hangs;
  await berth('create', '--name', 'web', '--no-wait', 'busybox');
  await until('it is told', async () => receiver.heard.length > 1);
  await kill();
  await start();
  receiver.behave = behaviours.takes;
  await berth('create', '--name', 'db', '--no-wait', 'busybox');
  const told = () => receiver.heard.slice(1).map(({ body }) => body);
  const isEnd = ({ container }: { container: { name: string; status: string } }) =>
    container.name === 'db' && container.status === 'Error';
  await until('all is told', async () => told().some(isEnd), { patienceMs: 120_000 });
  await until('all is published', async () => published.some((each) => isEnd(each.json())));

  const ids = (list: readonly { id: number }[]) => list.map(({ id }) => id);
  const once = [...new Set(ids(told()))];
  assert.deepEqual(
    once,
    [...once].sort((a, b) => a - b),
  );
  assert.equal(told()[0].type, 'container.created');
  assert.deepEqual([...new Set(told().map(({ container }) => container.name))], ['web', 'db']);
  assert.ok(ids(told()).filter((id) => id === once[0]).length > 1, 'what was being told was told again');
  const onNats = [...new Set(ids(published.map((each) => each.json<{ id: number }>())))];
  assert.deepEqual(onNats.slice(0, once.length), once);
  const past = (await berth('events', '--past', '--after', '0', '-f', 'json')).trim().split('\n');
  assert.deepEqual(ids(past.map((line) => JSON.parse(line))).slice(0, once.length), once);
  await subscriber.close();
  for (const hidden of [secret, token]) assert.ok(!log.includes(hidden), 'a secret is in the log');
});
