/** The doctor finds what somebody broke in a real kernel, says what it is, and mends it. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { silentLog } from '../../src/base/log.ts';
import type { Kernel } from '../../src/host/kernel.ts';
import { openKernel } from '../../src/host/linux.ts';
import {
  externalBridge,
  gatewayLink,
  limitLink,
  networkNamespace,
  portLink,
  routerLink,
  routerNamespace,
} from '../../src/model/host-names.ts';
import { Dataplane } from '../../src/network/dataplane.ts';
import type { Finding } from '../../src/network/doctor/doctor.ts';
import { enterPrivateNetwork } from '../helpers/private-network.ts';
import { aGroup, aNetwork, aPort, aRouter, aRule } from '../helpers/wanted-network.ts';
import { tool, WiredContainer } from '../helpers/wired-container.ts';

enterPrivateNetwork();

const instance = randomBytes(2).toString('hex');
const group = aGroup([aRule('ingress', 4, { protocol: 6, portMin: 80, portMax: 90 }), aRule('ingress', 6)]);
const rate = { kilobitsPerSecond: 100_000, burstKilobits: 0 };
const port = aPort('10.0.0.11', {
  securityGroupIds: [group.id],
  bandwidth: { egress: rate, ingress: rate },
});
const id = crypto.randomUUID();
const router = aRouter(id, ['10.0.0.1/24', 'fd00::1/64'], {
  routes: [{ destination: '10.9.0.0/16', nexthop: '10.0.0.11' }],
  floatingIps: [{ id: 'f', address: '172.24.4.9', fixedAddress: '10.0.0.11' }],
  hostPorts: [
    {
      portId: port.id,
      protocol: 6,
      hostAddress: null,
      hostPort: 8080,
      routerAddress: '172.24.4.5',
      routerPort: 8080,
    },
  ],
  gateway: {
    networkId: 'external',
    portId: crypto.randomUUID(),
    macAddress: 'fa:16:3e:00:02:01',
    mtu: 1500,
    addresses: ['172.24.4.5/24'],
    nexthops: ['172.24.4.1'],
  },
});
const network = aNetwork({ id, ports: [port], securityGroups: [group], routers: [router] });
const [inside, through] = [networkNamespace(instance, id), routerNamespace(instance, router.id)];
const [link, leg, gateway] = [
  portLink(port.id),
  routerLink(router.interfaces[0]?.portId ?? ''),
  gatewayLink(router.id),
];
const bridge = externalBridge(instance);

let kernel: Kernel;
let dataplane: Dataplane;
let container: WiredContainer;

before(async () => {
  await tool('iptables', '-P', 'FORWARD', 'DROP');
  kernel = await openKernel({ log: silentLog() });
  dataplane = new Dataplane({ kernel, instance, log: silentLog() });
  container = await WiredContainer.start(dataplane, network, { port, gateways: ['10.0.0.1'] });
});
after(async () => {
  await container.stop();
  await kernel.close();
});

const look = (repair = false): Promise<Finding[]> => dataplane.examine([network], repair);
const textsOf = (found: readonly Finding[]) => found.map(({ where, text }) => `${where}: ${text}`).join('\n');
const nft = (netns: string, ...words: readonly string[]) =>
  tool('ip', 'netns', 'exec', netns, 'nft', words.join(' '));
const sysctl = (netns: string, setting: string) =>
  tool('ip', 'netns', 'exec', netns, 'sysctl', '-q', '-w', setting);

test('a dataplane as it should be has no findings, twice', async () => {
  assert.equal(textsOf(await look()), '');
  assert.equal(textsOf(await look(true)), '');
  assert.ok(!(await kernel.namespaces()).some((name) => name.endsWith('doctor')));
});

/** What is broken, how, and what the doctor has to say. */
const broken: readonly (readonly [string, () => Promise<unknown>, RegExp])[] = [
  [
    'a rule gone',
    () => nft(inside, 'flush chain ip berth ingress'),
    /ip berth chain ingress: missing rule: .*vmap/,
  ],
  [
    'a foreign rule in our table',
    () => nft(inside, 'insert rule ip berth egress accept'),
    /chain egress: foreign rule: accept/,
  ],
  ['a foreign chain', () => nft(inside, 'add chain ip berth x'), /chain x is not ours/],
  [
    'an element gone',
    () => nft(inside, `delete element bridge berth links { ${link} }`),
    /map links: missing element: "p/,
  ],
  ['a table gone', () => nft(inside, 'delete table ip6 berth'), /table ip6 berth is missing/],
  [
    'a link down',
    () => tool('ip', '-n', inside, 'link', 'set', link, 'down'),
    new RegExp(`link ${link} is down`),
  ],
  [
    'a link off its bridge',
    () => tool('ip', '-n', inside, 'link', 'set', link, 'nomaster'),
    /its bridge is none instead of br0/,
  ],
  [
    'another MTU',
    () => tool('ip', '-n', inside, 'link', 'set', link, 'mtu', '1300'),
    /its MTU is 1300 instead of 1450/,
  ],
  [
    'a limit gone',
    () => tool('tc', '-n', inside, 'qdisc', 'del', 'dev', link, 'root'),
    /its limit is none instead of 12500000 bytes\/s/,
  ],
  [
    'another limit',
    () =>
      tool(
        'tc',
        ...`-n ${inside} qdisc replace dev ${link} root handle 1: tbf rate 1mbit burst 10kb limit 100kb`.split(
          ' ',
        ),
      ),
    /its limit is 125000 bytes\/s instead of 12500000/,
  ],
  [
    'what arrives not limited',
    () => tool('tc', '-n', inside, 'qdisc', 'del', 'dev', link, 'ingress'),
    /what arrives is not limited/,
  ],
  [
    'the detour down',
    () => tool('ip', '-n', inside, 'link', 'set', limitLink(port.id), 'down'),
    /link \w+ is down/,
  ],
  ['the bridge down', () => tool('ip', '-n', inside, 'link', 'set', 'br0', 'down'), /link br0 is down/],
  [
    'a setting',
    () => sysctl(inside, 'net.bridge.bridge-nf-call-iptables=0'),
    /bridge-nf-call-iptables is 0 instead of 1/,
  ],
  [
    'a router’s address gone',
    () => tool('ip', '-n', through, 'address', 'del', '10.0.0.1/24', 'dev', leg),
    /address 10\.0\.0\.1\/24 of q\w+ is missing/,
  ],
  [
    'a floating address gone',
    () => tool('ip', '-n', through, 'address', 'del', '172.24.4.9/32', 'dev', gateway),
    /address 172\.24\.4\.9\/32 .* is missing/,
  ],
  [
    'a foreign address',
    () => tool('ip', '-n', through, 'address', 'add', '10.0.0.77/32', 'dev', leg),
    /address 10\.0\.0\.77\/32 of q\w+ is not ours/,
  ],
  [
    'a route gone',
    () => tool('ip', '-n', through, 'route', 'del', '10.9.0.0/16'),
    /the route to 10\.9\.0\.0\/16 by 10\.0\.0\.11 is missing/,
  ],
  [
    'the way out gone',
    () => tool('ip', '-n', through, 'route', 'del', 'default'),
    /the route to 0\.0\.0\.0\/0 by 172\.24\.4\.1 is missing/,
  ],
  [
    'a foreign route',
    () => tool('ip', '-n', through, 'route', 'add', '10.8.0.0/16', 'via', '10.0.0.12'),
    /route to 10\.8\.0\.0\/16 by 10\.0\.0\.12 is not ours/,
  ],
  [
    'a translation gone',
    () => nft(through, 'delete element inet berth floating4 { 172.24.4.9 }'),
    /map floating4: missing element: 172\.24\.4\.9/,
  ],
  [
    'a router that forwards no more',
    () => sysctl(through, 'net.ipv4.ip_forward=0'),
    /ip_forward is 0 instead of 1/,
  ],
  [
    'a host port gone',
    () => tool('nft', 'flush', 'map', 'inet', `berth-${instance}`, 'published4'),
    /map published4: missing element: tcp \. 8080/,
  ],
  [
    'loopback addresses kept from the bridge',
    () => tool('sysctl', '-q', '-w', `net.ipv4.conf.${bridge}.route_localnet=0`),
    /route_localnet is 0 instead of 1/,
  ],
  ['a leg gone', () => tool('ip', '-n', through, 'link', 'del', leg), /link q\w+ is missing/],
  [
    'a router gone',
    () =>
      kernel.apply([
        { do: 'delete-link', name: gateway },
        { do: 'delete-netns', name: through },
      ]),
    /the namespace is missing/,
  ],
  [
    'the host’s address',
    () => tool('ip', 'address', 'del', '172.24.4.1/24', 'dev', bridge),
    /host: address 172\.24\.4\.1\/24 of bx\w+ is missing/,
  ],
  [
    'the host’s table',
    () => tool('nft', 'delete', 'table', 'inet', `berth-${instance}`),
    /host: table inet berth-\w+ is missing/,
  ],
  [
    'a firewall that was loaded anew',
    () => tool('iptables', '-F', 'FORWARD'),
    /a firewall of the host drops/,
  ],
];

for (const [what, breakIt, message] of broken) {
  test(`${what}: named and mended`, async () => {
    await breakIt();
    const seen = await look();
    assert.match(textsOf(seen), message);
    assert.ok(seen.every(({ isRepaired }) => !isRepaired));
    const mended = await look(true);
    assert.match(textsOf(mended), message);
    assert.deepEqual(
      mended.filter(({ isRepaired }) => !isRepaired),
      [],
    );
    assert.equal(textsOf(await look()), '');
  });
}

test('what is not ours in a namespace of ours is told and left', async () => {
  await nft(inside, 'add table ip somebody');
  const [found, ...more] = await look(true);
  assert.deepEqual(
    [found?.text, found?.isRepaired, more],
    ['table ip somebody is not ours (left as it is)', false, []],
  );
  assert.match(await nft(inside, 'list tables'), /table ip somebody/);
  await nft(inside, 'delete table ip somebody');
});

test('after all this traffic passes', async () => {
  assert.ok(await container.pings('172.24.4.1'));
});
