/**
 * What a port may claim to be: raw frames from one container, watched by another on the same network.
 *
 * Each test sends frames that must not arrive and then an honest one that must: frames of one sender arrive in order,
 * so the honest one's arrival proves that the others were dropped, without waiting.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { silentLog } from '../../src/base/log.ts';
import type { Kernel } from '../../src/host/kernel.ts';
import { openKernel } from '../../src/host/linux.ts';
import { Dataplane } from '../../src/network/dataplane.ts';
import { enterPrivateNetwork } from '../helpers/private-network.ts';
import { arpReply, ethernet, hexOf, icmp6, listen, send, udp4 } from '../helpers/raw-frames.ts';
import { until } from '../helpers/until.ts';
import { aGroup, aNetwork, aPort, aRule } from '../helpers/wanted-network.ts';
import { type Running, tool, WiredContainer } from '../helpers/wired-container.ts';

enterPrivateNetwork();

const open = aGroup([aRule('ingress', 4), aRule('ingress', 6)]);
const everything = { securityGroupIds: [open.id] };
const attackerPort = aPort('10.0.0.66', {
  ...everything,
  allowedAddressPairs: [
    { macAddress: '', ipAddress: '10.0.0.99' },
    { macAddress: '', ipAddress: '192.168.7.0/24' },
  ],
});
const victimPort = aPort('10.0.0.11', everything);
const watcherPort = aPort('10.0.0.12', everything);
const freePort = aPort('10.0.0.77', { portSecurityEnabled: false });
const network = aNetwork({
  ports: [attackerPort, victimPort, watcherPort, freePort],
  securityGroups: [open],
});

let kernel: Kernel;
let dataplane: Dataplane;
let attacker: WiredContainer;
let watcher: WiredContainer;
let free: WiredContainer;
let seen: Running;

before(async () => {
  kernel = await openKernel({ log: silentLog() });
  dataplane = new Dataplane({ kernel, instance: randomBytes(2).toString('hex'), log: silentLog() });
  attacker = await WiredContainer.start(dataplane, network, { port: attackerPort });
  watcher = await WiredContainer.start(dataplane, network, { port: watcherPort });
  free = await WiredContainer.start(dataplane, network, { port: freePort });
  seen = listen(watcher);
  await until('the watcher listens', async () => seen.lines.includes('listening'));
});
after(async () => {
  for (const container of [attacker, watcher, free]) await container.stop();
  await dataplane.sweep([], []);
  await kernel.close();
});

const toWatcher = { from: attackerPort.macAddress, to: watcherPort.macAddress };
const own = { from: '10.0.0.66', to: '10.0.0.12' };
const ownV6 = { from: 'fd00::42', to: 'fd00::0c' };
const everyone = { from: attackerPort.macAddress, to: 'ff:ff:ff:ff:ff:ff' };
const self = { mac: attackerPort.macAddress, address: '10.0.0.66' };
const peer = { mac: watcherPort.macAddress, address: '10.0.0.12' };
const target = (ip: string) => `20000000${hexOf.v6(ip)}0201${hexOf.mac(self.mac)}`;

let last = 0;
/** Sends the frames, then an honest one, and tells which of the former arrived. */
async function arrivals(from: WiredContainer, frames: readonly string[]): Promise<boolean[]> {
  last += 1;
  const honest = `honest ${last} `;
  const source = { from: from.port.macAddress, to: watcherPort.macAddress };
  const ends = { from: from.address(), to: '10.0.0.12' };
  await send(from, [...frames, ethernet(source, '0800', udp4(ends, honest))]);
  await until('the honest frame arrives', async () =>
    seen.lines.some((line) => line.includes(hexOf.text(honest))),
  );
  return frames.map((frame) => seen.lines.some((line) => line.startsWith(frame)));
}

const cases: readonly { readonly what: string; readonly frame: string; readonly arrives: boolean }[] = [
  { what: 'its own IPv4 address', frame: ethernet(toWatcher, '0800', udp4(own, 'own')), arrives: true },
  {
    what: 'somebody else’s IPv4 address',
    frame: ethernet(toWatcher, '0800', udp4({ ...own, from: '10.0.0.11' }, 'ip')),
    arrives: false,
  },
  {
    what: 'somebody else’s MAC',
    frame: ethernet({ ...toWatcher, from: victimPort.macAddress }, '0800', udp4(own, 'mac')),
    arrives: false,
  },
  {
    what: 'an allowed address pair',
    frame: ethernet(toWatcher, '0800', udp4({ ...own, from: '10.0.0.99' }, 'pair')),
    arrives: true,
  },
  {
    what: 'an address of an allowed prefix',
    frame: ethernet(toWatcher, '0800', udp4({ ...own, from: '192.168.7.200' }, 'prefix')),
    arrives: true,
  },
  {
    what: 'an address beside the allowed prefix',
    frame: ethernet(toWatcher, '0800', udp4({ ...own, from: '192.168.8.1' }, 'beside')),
    arrives: false,
  },
  {
    what: 'ARP: its own address',
    frame: ethernet(everyone, '0806', arpReply(self, peer)),
    arrives: true,
  },
  {
    what: 'ARP: somebody else’s address',
    frame: ethernet(everyone, '0806', arpReply({ ...self, address: '10.0.0.11' }, peer)),
    arrives: false,
  },
  {
    what: 'ARP: its own address at somebody else’s MAC',
    frame: ethernet(everyone, '0806', arpReply({ ...self, mac: victimPort.macAddress }, peer)),
    arrives: false,
  },
  {
    what: 'ARP with addresses of other lengths',
    frame: ethernet(everyone, '0806', `0001080008040002${'00'.repeat(28)}`),
    arrives: false,
  },
  {
    what: 'its own IPv6 address',
    frame: ethernet(toWatcher, '86dd', icmp6(ownV6, 128, '00010001aa')),
    arrives: true,
  },
  {
    what: 'somebody else’s IPv6 address',
    frame: ethernet(toWatcher, '86dd', icmp6({ ...ownV6, from: 'fd00::0b' }, 128, '00010001bb')),
    arrives: false,
  },
  {
    what: 'a neighbour advertisement of its own address',
    frame: ethernet(toWatcher, '86dd', icmp6(ownV6, 136, target('fd00::42'))),
    arrives: true,
  },
  {
    what: 'a neighbour advertisement of somebody else’s address',
    frame: ethernet(toWatcher, '86dd', icmp6(ownV6, 136, target('fd00::0b'))),
    arrives: false,
  },
  {
    what: 'a router advertisement',
    frame: ethernet(toWatcher, '86dd', icmp6(ownV6, 134, `40000708${'00'.repeat(8)}`)),
    arrives: false,
  },
  {
    what: 'a DHCP server’s answer',
    frame: ethernet(toWatcher, '0800', udp4(own, 'offer', { from: 67, to: 68 })),
    arrives: false,
  },
  {
    what: 'a frame of another kind',
    frame: ethernet(toWatcher, '88b5', hexOf.text('other')),
    arrives: false,
  },
  {
    what: 'IPv4 behind a VLAN tag',
    frame: ethernet(toWatcher, '8100', `00050800${udp4(own, 'tagged')}`),
    arrives: false,
  },
];

for (const { what, frame, arrives } of cases) {
  test(`${what} ${arrives ? 'passes' : 'is dropped'}`, async () => {
    assert.deepEqual(await arrivals(attacker, [frame]), [arrives]);
  });
}

test('a link-local frame does not teach the bridge somebody else’s MAC', async () => {
  const lldp = ethernet({ from: watcherPort.macAddress, to: '01:80:c2:00:00:0e' }, '88cc', '0207040000');
  assert.deepEqual(await arrivals(attacker, [lldp]), [false]);
  const netns = (await dataplane.activePorts())[0]?.netns ?? '';
  const table = await tool('bridge', '-n', netns, '-j', 'fdb', 'show', 'br', 'br0');
  const learned = (JSON.parse(table) as { mac: string; ifname: string; state: string }[]).filter(
    ({ mac, ifname }) =>
      mac === watcherPort.macAddress && ifname.startsWith(`p${attackerPort.id.slice(0, 8)}`),
  );
  assert.deepEqual(learned, []);
});

test('a port without port security may claim anything', async () => {
  const from = { from: '02:00:00:00:00:01', to: watcherPort.macAddress };
  const frame = ethernet(from, '0800', udp4({ from: '203.0.113.7', to: '10.0.0.12' }, 'free'));
  assert.deepEqual(await arrivals(free, [frame]), [true]);
});
