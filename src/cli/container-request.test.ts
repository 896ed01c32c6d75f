import assert from 'node:assert/strict';
import { test } from 'node:test';
import { containerRequest, type RunOptions } from './container-request.ts';
import { memoryMiB } from './spelled.ts';

function request(options: RunOptions, command: readonly string[] = []) {
  return containerRequest({
    image: 'busybox',
    command,
    options,
    env: { HERE: 'yes' },
    readFile: async (path) => Buffer.from(`content of ${path}`).toString('base64'),
  });
}

test('what was not given is not sent', async () => {
  assert.deepEqual(await request({}), { image: 'busybox' });
});

/** Each option alone, and the field that it becomes. */
const fields: readonly (readonly [RunOptions, object])[] = [
  [{ name: 'web' }, { name: 'web' }],
  [{ cpu: 0.5 }, { cpu: 0.5 }],
  [{ memory: '1024' }, { memory: '1024' }],
  [{ memory: '2G' }, { memory: '2048' }],
  [{ disk: 5 }, { disk: 5 }],
  [{ env: ['A=1', 'B=x=y', 'HERE', 'NOT_HERE'] }, { environment: { A: '1', B: 'x=y', HERE: 'yes' } }],
  [{ label: ['app=web', 'empty='] }, { labels: { app: 'web', empty: '' } }],
  [{ workdir: '/srv' }, { workdir: '/srv' }],
  [{ hostname: 'h' }, { hostname: 'h' }],
  [{ entrypoint: "sh -c 'echo hi'" }, { entrypoint: ['sh', '-c', 'echo hi'] }],
  [{ net: ['back'] }, { nets: [{ network: 'back' }] }],
  [
    { net: ['network=back,v4-fixed-ip=10.0.0.9', 'port=p1'] },
    { nets: [{ network: 'back', 'v4-fixed-ip': '10.0.0.9' }, { port: 'p1' }] },
  ],
  [{ securityGroup: ['a', 'b'] }, { security_groups: ['a', 'b'] }],
  [{ exposePort: ['80/tcp', '53/udp'] }, { exposed_ports: { '80/tcp': {}, '53/udp': {} } }],
  [{ restart: 'always' }, { restart_policy: { Name: 'always' } }],
  [{ restart: 'on-failure:3' }, { restart_policy: { Name: 'on-failure', MaximumRetryCount: '3' } }],
  [{ rm: true }, { auto_remove: true }],
  [
    { autoRemove: true, restart: 'no' },
    { auto_remove: true, restart_policy: { Name: 'no' } },
  ],
  [{ autoHeal: true }, { auto_heal: true }],
  [{ interactive: true }, { interactive: true }],
  [{ tty: true }, { tty: true }],
  [
    { cpuLimit: 0.5, pidsLimit: 50 },
    { cpu_limit: 0.5, pids_limit: 50 },
  ],
  [
    { ulimit: ['nofile=1024:2048', 'core=0'] },
    { ulimits: { nofile: { soft: 1024, hard: 2048 }, core: { soft: 0, hard: 0 } } },
  ],
  [
    { shmSize: '1G', tmpfs: ['/run', '/tmp:64M'] },
    { shm_size: 1024, tmpfs: { '/run': {}, '/tmp': { size: 64 } } },
  ],
  [
    { readOnly: true, init: true, user: 'app:app' },
    { read_only: true, init: true, user: 'app:app' },
  ],
  [
    { capAdd: ['NET_RAW'], capDrop: ['ALL'] },
    { cap_add: ['NET_RAW'], cap_drop: ['ALL'] },
  ],
  [{ sysctl: ['net.core.somaxconn=512'] }, { sysctls: { 'net.core.somaxconn': '512' } }],
  [{ addHost: ['db:10.0.0.9', 'six:fd00::9'] }, { extra_hosts: { db: '10.0.0.9', six: 'fd00::9' } }],
  [
    { dns: ['9.9.9.9'], dnsSearch: ['corp.example'] },
    { dns: ['9.9.9.9'], dns_search: ['corp.example'] },
  ],
  [
    { stopSignal: 'USR1', stopTimeout: 30 },
    { stop_signal: 'USR1', stop_grace: 30 },
  ],
  [
    { healthcheck: 'cmd=test -e /a,/b,interval=10,retries=3,timeout=5' },
    { healthcheck: { cmd: 'test -e /a,/b', interval: 10, retries: 3, timeout: 5 } },
  ],
  [{ imagePullPolicy: 'never' }, { image_pull_policy: 'never' }],
  [{ imageDriver: 'glance' }, { image_driver: 'glance' }],
  [{ registry: 'r' }, { registry: 'r' }],
  [{ runtime: 'kata' }, { runtime: 'kata' }],
  [{ hint: ['label:disk=ssd'] }, { hints: { 'label:disk': 'ssd' } }],
  [{ availabilityZone: 'nova' }, { availability_zone: 'nova' }],
  [{ host: 'h1' }, { host: 'h1' }],
  [{ privileged: true }, { privileged: true }],
  [{ mount: ['source=v1,destination=/data'] }, { mounts: [{ source: 'v1', destination: '/data' }] }],
  [{ mount: ['size=2,destination=/data'] }, { mounts: [{ size: '2', destination: '/data' }] }],
  [
    { mount: ['type=bind,source=a.conf,destination=/etc/a.conf'] },
    { mounts: [{ type: 'bind', source: btoa('content of a.conf'), destination: '/etc/a.conf' }] },
  ],
];

for (const [options, body] of fields) {
  test(`${JSON.stringify(options)} becomes ${JSON.stringify(body)}`, async () => {
    assert.deepEqual(await request(options), { image: 'busybox', ...body });
  });
}

test('words behind the image are the command', async () => {
  assert.deepEqual(await request({}, ['sh', '-c', 'a b']), {
    image: 'busybox',
    command: ['sh', '-c', 'a b'],
  });
});

/** What is refused before anything is sent, and the words for it. */
const refused: readonly (readonly [RunOptions, RegExp])[] = [
  [{ memory: '1T' }, /--memory 1T: expected MiB/],
  [{ memory: '-1' }, /--memory -1/],
  [{ env: ['=x'] }, /--env =x: expected NAME=VALUE/],
  [{ label: ['bare'] }, /--label bare/],
  [{ net: ['network=a,port=b'] }, /either network= or port=/],
  [{ net: ['v4-fixed-ip=10.0.0.1'] }, /either network= or port=/],
  [{ net: ['net=a'] }, /expected network=…/],
  [{ restart: 'sometimes' }, /--restart sometimes/],
  [{ restart: 'always:3' }, /only on-failure takes a number/],
  [{ restart: 'on-failure:x' }, /only on-failure takes a number/],
  [{ healthcheck: 'interval=3' }, /expected cmd=/],
  [{ healthcheck: 'cmd=x,retries=many' }, /retries=many: expected a whole number/],
  [{ mount: ['destination=/x'] }, /source= or size=/],
  [{ mount: ['type=tmpfs,source=a,destination=/x'] }, /type is bind/],
  [{ mount: ['type=bind,size=1,destination=/x'] }, /needs source=FILE/],
  [{ exposePort: ['80'], securityGroup: ['a'] }, /leave out --security-group/],
  [{ rm: true, restart: 'always' }, /leave out --restart/],
  [{ entrypoint: "sh -c 'oops" }, /unbalanced quotes/],
];

for (const [options, message] of refused) {
  test(`${JSON.stringify(options)} is refused`, async () => {
    await assert.rejects(request(options), { name: 'UsageError', message });
  });
}

test('memory is rounded up to whole MiB', () => {
  assert.deepEqual(
    ['1', '512M', '512mib', '1g', '1500k'].map((text) => memoryMiB('--memory', text)),
    ['1', '512', '512', '1024', '2'],
  );
});
