import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CniFailure, type CniRequest } from '../../wire/cni.ts';
import { askedOf, parseConfiguration } from './configuration.ts';

const request: CniRequest = {
  verb: 'ADD',
  containerId: 'c',
  ifname: 'eth0',
  netns: '/run/netns/c',
  args: {},
  config: {},
  ipam: null,
};
const asked = (runtimeConfig: unknown) =>
  askedOf(request, parseConfiguration({ name: 'pods', runtimeConfig }));

test('port mappings: TCP and all addresses unless it says otherwise; the same twice is once', () => {
  const { hostPorts } = asked({
    portMappings: [
      { hostPort: 8080, containerPort: 80 },
      { hostPort: 8080, containerPort: 80, protocol: 'TCP', hostIP: '' },
      { hostPort: 53, containerPort: 5353, protocol: 'udp', hostIP: 'FD00:0::1' },
    ],
  });
  assert.deepEqual(hostPorts, [
    { protocol: 'tcp', hostIp: '', hostPort: 8080, containerPort: 80 },
    { protocol: 'udp', hostIp: 'fd00::1', hostPort: 53, containerPort: 5353 },
  ]);
  assert.deepEqual(asked({ portMappings: null, bandwidth: null }).hostPorts, []);
});

test('bandwidth: bits become kilobits, rounded up; nothing is no limit', () => {
  const bandwidth = { ingressRate: 1_000_001, ingressBurst: 1, egressRate: 0, egressBurst: 0 };
  assert.deepEqual(asked({ bandwidth }).limits, {
    ingress: { maxKbps: 1001, maxBurstKbps: 1 },
    egress: null,
  });
  assert.deepEqual(asked({}).limits, { ingress: null, egress: null });
});

test('what makes no sense is refused with code 7, naming it', () => {
  const good = { hostPort: 80, containerPort: 80 };
  for (const [runtimeConfig, words] of [
    [{ portMappings: {} }, /runtimeConfig\.portMappings/],
    [{ portMappings: [{ ...good, hostPort: 0 }] }, /portMappings\.0\.hostPort: .*not 0/],
    [{ portMappings: [good, { ...good, containerPort: 65_536 }] }, /portMappings\.1\.containerPort/],
    [{ portMappings: [{ hostPort: 80 }] }, /portMappings\.0.*containerPort/],
    [{ portMappings: [{ ...good, protocol: 'icmp' }] }, /0\.protocol: expected tcp, udp, sctp, not "icmp"/],
    [{ portMappings: [{ ...good, hostIP: 'localhost' }] }, /0\.hostIP: .*not "localhost"/],
    [{ portMappings: [{ ...good, hostIP: '10.0.0.1/8' }] }, /0\.hostIP/],
    [{ bandwidth: { ingressRate: 1 } }, /ingressRate is given without ingressBurst/],
    [{ bandwidth: { egressBurst: 1 } }, /egressBurst is given without egressRate/],
    [{ bandwidth: { ingressRate: -1, ingressBurst: 1 } }, /bandwidth\.ingressRate: .*not -1/],
    [{ bandwidth: 'fast' }, /bandwidth/],
  ] as const) {
    assert.throws(
      () => asked(runtimeConfig),
      (error: unknown) => error instanceof CniFailure && error.code === 7 && words.test(error.message),
      JSON.stringify(runtimeConfig),
    );
  }
});
