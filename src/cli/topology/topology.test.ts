import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PortObject, RouterObject } from '../../client/networks.ts';
import { dotOf } from './dot.ts';
import { type Lists, topologyOf } from './model.ts';
import { treeOf } from './tree.ts';

function port(id: string, networkId: string, address: string, more: object = {}): PortObject {
  return {
    id,
    network_id: networkId,
    device_id: '',
    device_owner: '',
    status: 'ACTIVE',
    fixed_ips: [{ subnet_id: 's', ip_address: address }],
    ...more,
  };
}

const leg = (router: string) => ({ device_id: router, device_owner: 'network:router_interface' });
const edge: RouterObject = {
  id: 'r1',
  name: 'edge',
  external_gateway_info: {
    network_id: 'ext',
    enable_snat: false,
    external_fixed_ips: [{ subnet_id: 'e', ip_address: '172.24.4.5' }],
  },
  routes: [{ destination: '10.9.0.0/16', nexthop: '10.0.0.9' }],
};
const lists: Lists = {
  networks: [
    { id: 'ext', name: 'public', 'router:external': true },
    { id: 'back', name: 'back' },
    { id: 'lone', name: 'lone' },
  ],
  subnets: [
    { id: 'e', network_id: 'ext', cidr: '172.24.4.0/24' },
    { id: 's', network_id: 'back', cidr: '10.0.0.0/24' },
  ],
  routers: [edge, { id: 'r2', name: 'inner', external_gateway_info: null, routes: [] }],
  ports: [
    port('l1', 'back', '10.0.0.1', leg('r1')),
    port('l2', 'back', '10.0.0.2', leg('r2')),
    port('p1', 'back', '10.0.0.11', { device_id: 'c1', security_groups: ['g'], name: 'old name' }),
    port('p2', 'lone', '10.7.0.5', { name: 'spare', status: 'DOWN' }),
  ],
  groups: [{ id: 'g', name: 'web' }],
  containers: [{ uuid: 'c1', name: 'shop' }],
  floating: new Map([['p1', ['172.24.4.9', '172.24.4.8:8080->80/tcp']]]),
};

test('a tree goes from outside inwards, and shows a network once', () => {
  assert.equal(
    treeOf(topologyOf(lists), false),
    [
      'public (external) 172.24.4.0/24',
      '└─ router edge 172.24.4.5 (no source NAT)',
      '   ├─ route 10.9.0.0/16 via 10.0.0.9',
      '   └─ network back 10.0.0.0/24 via 10.0.0.1',
      '      └─ shop 10.0.0.11 ⇄ 172.24.4.9 172.24.4.8:8080->80/tcp [web]',
      'router inner (no gateway)',
      '└─ network back 10.0.0.0/24 via 10.0.0.2 (see above)',
      'network lone (no subnet)',
      '└─ port spare 10.7.0.5 down',
      '',
    ].join('\n'),
  );
});

test('a network of a thousand ports shows some, or all when asked to', () => {
  const ports = Array.from({ length: 1000 }, (_, at) =>
    port(`p${at}`, 'back', `10.0.${at >> 8}.${at & 255}`),
  );
  const topology = topologyOf({ ...lists, ports });
  const short = treeOf(topology, false).split('\n');
  assert.ok(short.length < 25, String(short.length));
  assert.ok(short.some((line) => line.includes('… and 990 more ports')));
  assert.ok(treeOf(topology, true).split('\n').length > 1000);
  assert.ok(dotOf(topology).split('\n').length < 30);
});

test('hostile names stay text', () => {
  const networks = [{ id: 'x', name: 'a"]; evil -- b\u001b[2J\n' }];
  const topology = topologyOf({ ...lists, networks, ports: [], routers: [] });
  const dot = dotOf(topology);
  assert.match(dot, /label="a\\"\]; evil -- b\\\\x1b\[2J\\\\n/);
  assert.ok(!treeOf(topology, false).includes('\u001b'));
});

test('a graph joins what belongs together', () => {
  const dot = dotOf(topologyOf(lists));
  for (const edge of [
    '"ext" -- "r1"',
    '"r1" -- "back"',
    '"r2" -- "back"',
    '"back" -- "p1"',
    '"lone" -- "p2"',
  ]) {
    assert.ok(dot.includes(edge), edge);
  }
});
