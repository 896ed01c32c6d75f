/** The command line from end to end on a simulated machine: a user's first hour with Berth. */
import assert from 'node:assert/strict';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { Machine } from '../helpers/machine.ts';
import { until } from '../helpers/until.ts';

const root = resolve(import.meta.dirname, '../..');
let machine: Machine;

before(async () => {
  machine = await Machine.start();
});
after(async () => {
  await machine?.destroy();
});

async function berth(...args: readonly string[]) {
  return machine.exec(process.execPath, [join(root, 'bin/berth.ts'), ...args], {
    DOCKER_HOST: machine.dockerHost,
    BERTH_STATE_DIR: join(machine.disk, 'state'),
    XDG_CACHE_HOME: join(machine.disk, 'cache'),
    OS_CLOUD: '',
    OS_AUTH_URL: '',
    OS_CLIENT_CONFIG_FILE: '',
  });
}

async function must(...args: readonly string[]): Promise<string> {
  const { stdout, stderr, code } = await berth(...args);
  assert.equal(code, 0, `berth ${args.join(' ')}\n${stdout}${stderr}`);
  return stdout;
}

/** `-f json` goes behind the command's words: what follows an image or a container may be another program's. */
async function json<T>(...args: readonly string[]): Promise<T> {
  const at = args.findIndex((word) => word === 'run' || word === 'busybox');
  const place = at < 0 ? args.length : at + 1;
  return JSON.parse(await must(...args.toSpliced(place, 0, '-f', 'json'))) as T;
}

async function leftovers(): Promise<string> {
  const looks = [
    ['docker', '-H', machine.dockerHost, 'ps', '-aq'],
    ['docker', '-H', machine.dockerHost, 'network', 'ls', '--format', '{{.Name}}'],
    ['docker', '-H', machine.dockerHost, 'images', '--format', '{{.Repository}}'],
  ] as const;
  const texts = await Promise.all(looks.map(([file, ...args]) => machine.must(file, args)));
  return texts.join('\n');
}

test('the demo works with no Berth running, and leaves the machine as it was', {
  timeout: 120_000,
}, async () => {
  const before = await leftovers();
  const { stdout, stderr, code } = await berth('demo');
  assert.equal(code, 0, `${stdout}\n${stderr}`);
  assert.match(stdout, /✓ the client fetches .*Ahoy from a container/);
  assert.match(stdout, /✓ the client is refused at .*no answer within 2 s/);
  assert.match(stdout, /│ demo-web-\w+ +│ Running │ 10\.42\.0\.\d+ /);
  assert.match(stdout, /✓ everything removed again/);
  assert.match(stdout, /stopped again/);
  assert.equal(await leftovers(), before);
  const status = await berth('status');
  assert.equal(status.code, 1);
  assert.match(status.stderr, /nothing runs on/);
});

test('up tells where it answers, and who holds the state when asked again', {
  timeout: 120_000,
}, async () => {
  const up = await berth('up', '-d');
  assert.equal(up.code, 0, up.stderr);
  assert.match(up.stderr, /Berth answers at http:\/\/127\.0\.0\.1:9517/);
  const { pid, phase } = await json<{ pid: number; phase: string }>('status');
  assert.equal(phase, 'ready');
  const again = await berth('up');
  assert.equal(again.code, 1);
  assert.match(again.stderr, new RegExp(`already runs on .*: pid ${pid}`));
});

test('a container lives its whole life by the command line', { timeout: 180_000 }, async () => {
  await must('network', 'create', 'back');
  await must('subnet', 'create', '--network', 'back', '--range', '10.55.0.0/24', 'back-v4');
  await must('security-group', 'create', 'web');
  await must('security-group', 'rule', 'create', 'web', '--protocol', 'tcp', '--dst-port', '80');
  const options =
    '-n web --hostname shop --cpu 0.5 -m 64 -e GREETING=ahoy --net network=back --security-group web';
  const script = 'echo $GREETING from $(hostname); trap "exit 0" TERM; sleep 3600 & wait';
  const web = await json<{ status: string; addresses: object; restart_policy: object }>(
    ...['run', ...options.split(' '), '--restart', 'on-failure:3', 'busybox', 'sh', '-c', script],
  );
  assert.equal(web.status, 'Running');
  assert.deepEqual(web.restart_policy, { Name: 'on-failure', MaximumRetryCount: '3' });

  const listed = await must('list');
  assert.match(listed, /│ web +│ busybox │ Running │ +│ 10\.55\.0\.\d+ /);
  assert.equal(await must('show', 'web', '-f', 'value', '-c', 'hostname'), 'shop\n');
  assert.equal(await must('logs', 'web'), 'ahoy from shop\n');
  const ran = await berth('exec', 'web', 'sh', '-c', 'echo "it\'s $GREETING"; exit 7');
  assert.deepEqual([ran.code, ran.stdout], [7, "it's ahoy\n"]);
  assert.match(await must('top', 'web'), /sleep 3600/);
  assert.match(await must('stats', 'web'), /MEM LIMIT\(MiB\) +│ 64/);

  await must('pause', 'web');
  assert.equal(await must('show', 'web', '-f', 'value', '-c', 'status'), 'Paused\n');
  await must('unpause', 'web');
  await must('stop', 'web');
  assert.equal(await must('show', 'web', '-f', 'value', '-c', 'status'), 'Stopped\n');
  await must('start', 'web');
  await must('restart', 'web');
  assert.equal(await must('show', 'web', '-f', 'value', '-c', 'status'), 'Running\n');
  const actions = await must('actions', 'web', '-f', 'value', '-c', 'action', '-c', 'message');
  assert.match(actions, /reboot/);
  assert.doesNotMatch(actions, /Error/);

  await must('update', '-m', '96', 'web');
  await must('rename', 'web', 'shop');
  assert.match(await must('stats', 'shop'), /MEM LIMIT\(MiB\) +│ 96/);

  const refused = await berth('delete', 'shop');
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /Running state/);
  await must('delete', '--stop', 'shop');
  assert.equal((await berth('show', 'shop')).code, 1);
  assert.equal(await must('list', '-f', 'value'), '');
  await must('network', 'delete', 'back');
  await must('security-group', 'delete', 'web');
});

test('what cannot run says why, and its exit code says so too', { timeout: 120_000 }, async () => {
  const forbidden = await berth('run', '--image-pull-policy', 'never', 'busybox');
  assert.equal(forbidden.code, 1);
  assert.match(forbidden.stderr, /image_pull_policy.*\n.*administrators may/);
  const missing = await berth('run', '-n', 'bad', 'localhost:1/nothing:1');
  assert.equal(missing.code, 1, missing.stdout);
  assert.match(missing.stderr, /^berth: bad: .*localhost:1\/nothing:1/m);
  await must('delete', 'bad');
  // Whether it is seen running for a moment is chance: its end is told in any case.
  const ended = await berth('run', '-n', 'short', 'busybox', 'sh', '-c', 'echo oops; exit 3');
  assert.ok([0, 1].includes(ended.code), ended.stdout + ended.stderr);
  await until('its end is told', async () => /Exited\(3\)/.test(await must('show', 'short')));
  assert.match(await must('logs', 'short'), /oops/);
  assert.match(await must('logs', '--follow', 'short'), /oops/);
  const short = (await must('show', 'short', '-f', 'value', '-c', 'uuid')).trim();
  await must('delete', '--name', 'short', '--yes');
  assert.equal(await must('logs', short), 'oops\n', 'what it wrote outlives it');
  assert.match(await must('list', '--deleted'), new RegExp(`${short} │ short`));
  const removed = await berth('run', '--rm', '-n', 'once', 'busybox', 'sh', '-c', 'exit 0');
  assert.equal(removed.code, 0, removed.stderr);
});

test('administrators see services, hosts and quotas', { timeout: 60_000 }, async () => {
  const admin = ['--os-cloud', 'berth-admin'];
  const services = await json<{ state: string }[]>(...admin, 'service', 'list');
  assert.deepEqual(
    services.map(({ state }) => state),
    ['up'],
  );
  const [host] = await json<{ hostname: string }[]>(...admin, 'host', 'list');
  await must(...admin, 'host', 'show', host?.hostname ?? '');
  await must(...admin, 'quota', 'set', 'demo', '--containers', '7', '--ports', '70');
  const quota = await json<{ resource: string; limit: number }[]>('quota', 'show');
  const limit = (name: string) => quota.find(({ resource }) => resource === name)?.limit;
  assert.deepEqual([limit('containers'), limit('port')], [7, 70]);
  const refused = await berth('service', 'list');
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /berth --os-cloud berth-admin/);
});

test('down stops it', { timeout: 60_000 }, async () => {
  await must('down');
  assert.equal((await berth('status')).code, 1);
  const list = await berth('list');
  assert.equal(list.code, 1);
  assert.match(list.stderr, /cannot reach .*: connection refused\n.*berth up -d/);
});
