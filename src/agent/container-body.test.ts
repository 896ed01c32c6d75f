import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertPossible, toContainerBody, toEndpoint, toResources } from './container-body.ts';
import { wantedContainer } from './world.fixture.ts';

const nic = (networkId: string) => ({
  index: 0,
  networkId,
  portId: `port-of-${networkId}`,
  macAddress: 'fa:16:3e:00:00:02',
  fixedIps: [
    { address: '10.0.0.2', subnetId: 's4', version: 4 as const },
    { address: 'fd00::2', subnetId: 's6', version: 6 as const },
  ],
  preserveOnDelete: false,
});
const context = {
  instance: 'abcd',
  defaultRuntime: 'runc',
  networkName: ({ networkId }: { networkId: string }) => `docker-${networkId}`,
  dns: { servers: [], search: [] },
};

test('the least that can be asked for leaves the image its own way', () => {
  assert.deepEqual(toContainerBody(wantedContainer(), context), {
    Image: 'busybox:latest',
    Env: [],
    Labels: {
      'berth.instance': 'abcd',
      'berth.container': '11111111-1111-4111-8111-111111111111',
      'berth.project': 'p1',
      'berth.revision': '1',
    },
    Tty: false,
    OpenStdin: false,
    HostConfig: {
      NetworkMode: 'none',
      Privileged: false,
      AutoRemove: false,
      Runtime: 'runc',
      CpuShares: 1024,
      Memory: 512 * 2 ** 20,
      MemorySwap: 1024 * 2 ** 20,
    },
  });
});

test('everything that can be asked for arrives', () => {
  const body = toContainerBody(
    wantedContainer({
      nics: [nic('a'), nic('b')],
      spec: {
        image: 'registry.example:5000/app',
        command: ['-x'],
        entrypoint: ['/bin/app'],
        cpu: 0.5,
        memoryMiB: 64,
        diskGiB: 3,
        workdir: '/srv',
        environment: { A: '1', B: 'x=y z' },
        labels: { tier: 'web' },
        hostname: 'web-1',
        interactive: true,
        tty: true,
        runtime: 'kata',
        privileged: true,
        restartPolicy: { name: 'on-failure', maximumRetryCount: 3 },
        healthcheck: { test: 'true', intervalSeconds: 5, timeoutSeconds: 2, retries: 4 },
        exposedPorts: [
          { port: 80, protocol: 'tcp' },
          { port: 53, protocol: 'udp' },
        ],
      },
    }),
    { ...context, dns: { servers: ['9.9.9.9'], search: ['corp.example'] } },
  );
  const { Labels, ...rest } = body;
  assert.equal(Labels.tier, 'web');
  assert.deepEqual(rest, {
    Image: 'registry.example:5000/app:latest',
    Cmd: ['-x'],
    Entrypoint: ['/bin/app'],
    Env: ['A=1', 'B=x=y z'],
    Hostname: 'web-1',
    WorkingDir: '/srv',
    Tty: true,
    OpenStdin: true,
    ExposedPorts: { '80/tcp': {}, '53/udp': {} },
    Healthcheck: { Test: ['CMD-SHELL', 'true'], Interval: 5e9, Timeout: 2e9, Retries: 4 },
    HostConfig: {
      NetworkMode: 'docker-a',
      Privileged: true,
      AutoRemove: false,
      RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 3 },
      Runtime: 'kata',
      StorageOpt: { size: '3G' },
      Dns: ['9.9.9.9'],
      DnsSearch: ['corp.example'],
      CpuShares: 512,
      Memory: 64 * 2 ** 20,
      MemorySwap: 128 * 2 ** 20,
    },
    NetworkingConfig: {
      EndpointsConfig: { 'docker-a': toEndpoint(nic('a')) },
    },
  });
  assert.deepEqual(toEndpoint(nic('a')).IPAMConfig, { IPv4Address: '10.0.0.2', IPv6Address: 'fd00::2' });
});

test('a container cannot pretend to be another one', () => {
  const labels = { 'berth.container': 'other', 'berth.instance': 'ffff' };
  const { Labels } = toContainerBody(wantedContainer({ spec: { labels } }), context);
  assert.equal(Labels['berth.instance'], 'abcd');
  assert.notEqual(Labels['berth.container'], 'other');
});

test('the smallest share of a CPU is one that the kernel takes', () => {
  assert.equal(toResources(wantedContainer({ spec: { cpu: 0.001 } })).CpuShares, 2);
  assert.equal(toResources(wantedContainer({ spec: { cpu: 0, memoryMiB: 0 } })).CpuShares, undefined);
});

test('what Docker cannot do is refused in words', () => {
  assert.throws(
    () => assertPossible(wantedContainer({ nics: [nic('a'), nic('a')] })),
    /two ports on network a/,
  );
  const bare = { ...nic('a'), fixedIps: [] };
  assert.throws(() => assertPossible(wantedContainer({ nics: [bare] })), /port port-of-a has no address/);
});
