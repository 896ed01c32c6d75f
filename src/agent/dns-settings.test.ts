import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aNetwork } from '../../test/helpers/wanted-network.ts';
import { dnsOf } from './dns-settings.ts';

const nic = (networkId: string, ...versions: (4 | 6)[]) => ({
  index: 0,
  networkId,
  portId: crypto.randomUUID(),
  macAddress: 'fa:16:3e:00:00:01',
  preserveOnDelete: false,
  fixedIps: versions.map((version) => ({
    version,
    subnetId: `${networkId}${version}`,
    address: version === 4 ? '10.0.0.2' : 'fd00::2',
  })),
});
const network = (id: string, dnsNameservers: string[], dnsDomain = '') =>
  aNetwork({
    id,
    dnsDomain,
    subnets: [
      { id: `${id}4`, ipVersion: 4, cidr: '10.0.0.0/24', gatewayIp: null, dnsNameservers, hostRoutes: [] },
    ],
  });
const finding =
  (...networks: ReturnType<typeof network>[]) =>
  (id: string) =>
    networks.find((one) => one.id === id);
const host = ['127.0.0.53', '192.0.2.1', 'fe80::1%eth0', '::1', '192.0.2.2', '192.0.2.3'].map((address) => ({
  address,
}));

test('first the resolver, then whom it asks: the subnet’s servers, or the host’s that a container can ask', () => {
  const find = finding(network('a', ['9.9.9.9'], 'corp.example'), network('b', []));
  assert.deepEqual(dnsOf([nic('a', 4, 6), nic('b', 4)], find, host), {
    servers: ['169.254.169.253', '9.9.9.9'],
    search: ['corp.example'],
  });
  assert.deepEqual(dnsOf([nic('b', 6)], find, host), {
    servers: ['fd00:a9fe:a9fe::53', '192.0.2.1', '192.0.2.2'],
    search: [],
  });
});

test('a container without a network keeps what the Engine gives it', () => {
  assert.deepEqual(dnsOf([], finding(), host), { servers: [], search: [] });
});
