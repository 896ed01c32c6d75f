import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { noUsage } from '../model/container-record.ts';
import type { Ask, HostState, Ratios } from './filters.ts';
import { schedule } from './schedule.ts';

const ratios: Ratios = { cpu: 16, memory: 1.5, disk: 1 };
const ask: Ask = {
  cpu: 1,
  cpuPolicy: 'shared',
  memoryMiB: 512,
  diskGiB: 0,
  runtime: null,
  availabilityZone: null,
  host: null,
  hostLabels: {},
};
const host = (name: string, changes: Partial<HostState> = {}): HostState => ({
  name,
  down: null,
  disabled: false,
  availabilityZone: 'nova',
  cpus: 4,
  memoryMiB: 8192,
  diskGiB: 100,
  diskQuotaSupported: true,
  labels: {},
  runtimes: ['runc'],
  usage: noUsage,
  ...changes,
});

const refusals: readonly (readonly [string, Partial<HostState>, Partial<Ask>])[] = [
  ['1 host: 1 down', { down: 'down' }, {}],
  ['1 host: 1 disabled', { disabled: true }, {}],
  ['1 host: 1 outside availability zone west', {}, { availabilityZone: 'west' }],
  ['1 host: 1 without runtime kata', {}, { runtime: 'kata' }],
  ['1 host: 1 without label disk=ssd', { labels: { disk: 'hdd' } }, { hostLabels: { disk: 'ssd' } }],
  ['1 host: 1 not the requested host b', {}, { host: 'b' }],
  ['1 host: 1 with too few CPUs free', {}, { cpu: 64.1 }],
  ['1 host: 1 with too little memory', {}, { memoryMiB: 12_289 }],
  ['1 host: 1 with too little disk', {}, { diskGiB: 101 }],
  ['1 host: 1 without support for disk quotas', { diskQuotaSupported: false }, { diskGiB: 1 }],
  ['1 host: 1 without CPU pinning, which cpu_policy dedicated needs', {}, { cpuPolicy: 'dedicated' }],
];
for (const [refusal, hostChanges, askChanges] of refusals) {
  test(`refuses: ${refusal}`, () => {
    assert.deepEqual(schedule([host('a', hostChanges)], { ...ask, ...askChanges }, ratios), { refusal });
  });
}

test('counts hosts per reason, the most frequent first', () => {
  const hosts = [host('a', { runtimes: ['kata'], memoryMiB: 10 }), host('b'), host('c')];
  assert.deepEqual(schedule(hosts, { ...ask, runtime: 'kata' }, ratios), {
    refusal: '3 hosts: 2 without runtime kata, 1 with too little memory',
  });
  assert.deepEqual(schedule([], ask, ratios), { refusal: 'no host is known' });
});

test('takes exactly what is left, and the fraction that floating point adds', () => {
  const usage = { ...noUsage, cpu: 0.1 + 0.2, memoryMiB: 0 };
  const tight = host('a', { cpus: 1, usage });
  assert.deepEqual(schedule([tight], { ...ask, cpu: 15.7 }, ratios), { host: 'a' });
});

test('spreads: the emptier host wins, names break ties', () => {
  const busy = host('a', { usage: { containers: 1, cpu: 1, memoryMiB: 512, diskGiB: 0 } });
  assert.deepEqual(schedule([busy, host('c'), host('b')], ask, ratios), { host: 'b' });
});

const anyAsk = fc.record({
  cpu: fc.integer({ min: 1, max: 160 }).map((tenths) => tenths / 10),
  memoryMiB: fc.integer({ min: 4, max: 8192 }),
  diskGiB: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 160 })),
});
const anyHost = fc.record({
  cpus: fc.integer({ min: 1, max: 64 }),
  memoryMiB: fc.integer({ min: 256, max: 65_536 }),
  diskGiB: fc.integer({ min: 0, max: 500 }),
  disabled: fc.boolean(),
});

test('property: no sequence of placements exceeds capacity × ratio, and a refusal is only given when nothing fits', () => {
  fc.assert(
    fc.property(
      fc.array(anyHost, { minLength: 1, maxLength: 6 }),
      fc.array(anyAsk, { minLength: 1, maxLength: 80 }),
      (shapes, asks) => {
        let hosts = shapes.map((shape, index) => host(`h${index}`, shape));
        for (const changes of asks) {
          const wanted = { ...ask, ...changes };
          const decision = schedule(hosts, wanted, ratios);
          const fits = (each: HostState) =>
            !each.disabled &&
            each.usage.cpu + wanted.cpu <= each.cpus * ratios.cpu + 1e-6 &&
            each.usage.memoryMiB + wanted.memoryMiB <= each.memoryMiB * ratios.memory &&
            (wanted.diskGiB === 0 || each.usage.diskGiB + wanted.diskGiB <= each.diskGiB * ratios.disk);
          if ('refusal' in decision) {
            assert.ok(!hosts.some(fits), decision.refusal);
            continue;
          }
          hosts = hosts.map((each) => {
            if (each.name !== decision.host) return each;
            assert.ok(fits(each));
            return {
              ...each,
              usage: {
                containers: each.usage.containers + 1,
                cpu: each.usage.cpu + wanted.cpu,
                memoryMiB: each.usage.memoryMiB + wanted.memoryMiB,
                diskGiB: each.usage.diskGiB + wanted.diskGiB,
              },
            };
          });
        }
      },
    ),
    { numRuns: 60 },
  );
});
