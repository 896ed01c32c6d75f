import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toContainerBody } from './container-body.ts';
import { planOperation } from './plan.ts';
import { wantedContainer } from './world.fixture.ts';

const context = {
  instance: 'abcd',
  defaultRuntime: 'runc',
  networkName: ({ networkId }: { networkId: string }) => networkId,
  dns: { servers: ['10.0.0.2'], search: [] },
};

const options = {
  cpuLimit: 0.25,
  pidsLimit: 50,
  ulimits: [{ name: 'nofile' as const, soft: 64, hard: 128 }],
  shmSizeMiB: 8,
  tmpfs: { '/run': 4, '/scratch': null },
  readOnly: true,
  user: '1000',
  capAdd: ['NET_ADMIN'],
  capDrop: ['ALL'],
  sysctls: { 'net.core.somaxconn': '77' },
  extraHosts: { six: 'fd00::9' },
  dns: ['9.9.9.9'],
  dnsSearch: ['corp.example'],
  stopSignal: 'USR1',
  stopGraceSeconds: 3,
  init: true,
};

test('every option becomes what the Engine calls it', () => {
  const body = toContainerBody(wantedContainer({ spec: { options } }), context);
  assert.deepEqual([body.User, body.StopSignal, body.StopTimeout], ['1000', 'USR1', 3]);
  const { CpuShares, Memory, MemorySwap, NetworkMode, Privileged, AutoRemove, Runtime, ...rest } =
    body.HostConfig;
  assert.deepEqual(rest, {
    CpuPeriod: 100_000,
    CpuQuota: 25_000,
    PidsLimit: 50,
    Ulimits: [{ Name: 'nofile', Soft: 64, Hard: 128 }],
    ShmSize: 8 * 2 ** 20,
    Tmpfs: { '/run': 'size=4m', '/scratch': '' },
    ReadonlyRootfs: true,
    CapAdd: ['NET_ADMIN'],
    CapDrop: ['ALL'],
    Sysctls: { 'net.core.somaxconn': '77' },
    ExtraHosts: ['six:fd00::9'],
    Dns: ['9.9.9.9'],
    DnsSearch: ['corp.example'],
    Init: true,
  });
});

test('its own time to stop counts where the request names none', () => {
  const wanted = wantedContainer({ spec: { options } });
  const running = { state: 'running' } as Parameters<typeof planOperation>[2];
  const stop = { id: 'o', verb: 'stop' as const };
  assert.deepEqual(planOperation(wanted, stop, running), [{ do: 'stop', timeoutSeconds: 3 }]);
  assert.deepEqual(planOperation(wanted, { ...stop, timeoutSeconds: 9 }, running), [
    { do: 'stop', timeoutSeconds: 9 },
  ]);
  const { options: _, ...spec } = wanted.spec;
  assert.deepEqual(planOperation({ ...wanted, spec }, stop, running), [{ do: 'stop' }]);
});
