/** Connections that end, in a real kernel; the `conntrack` tool makes them and tells what is left. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { silentLog } from '../../src/base/log.ts';
import type { Kernel, Translation } from '../../src/host/kernel.ts';
import { openKernel } from '../../src/host/linux.ts';
import { enterPrivateNetwork } from '../helpers/private-network.ts';
import { tool } from '../helpers/wired-container.ts';

enterPrivateNetwork();

const netns = 'tracked';
let kernel: Kernel;

before(async () => {
  kernel = await openKernel({ log: silentLog() });
});
after(() => kernel.close());

const conntrack = (...args: readonly string[]) => tool('ip', 'netns', 'exec', netns, 'conntrack', ...args);

interface Made {
  readonly from: string;
  readonly to: string;
  readonly port: number;
  /** `address` or `address:port`. */
  readonly source?: string;
  readonly destination?: string;
  readonly protocol?: 'tcp' | 'udp';
}

async function make({ from, to, port, source, destination, protocol = 'tcp' }: Made): Promise<void> {
  await conntrack(
    ...['-I', '-p', protocol, '-t', '300', '-s', from, '-d', to, '--sport', '1000', '--dport', String(port)],
    ...(protocol === 'tcp' ? ['--state', 'ESTABLISHED'] : []),
    ...(source ? ['--src-nat', source] : []),
    ...(destination ? ['--dst-nat', destination] : []),
  );
}

/** `from>to:port` of each, as the first packet had them. */
async function left(): Promise<string[]> {
  const lists = [await conntrack('-L', '-f', 'ipv4'), await conntrack('-L', '-f', 'ipv6')];
  const found = lists.join('').matchAll(/src=(\S+) dst=(\S+) sport=\d+ dport=(\d+) (?:\[\S+ )?src/g);
  return [...found].map(([, from, to, port]) => `${from}>${to}:${port}`).sort();
}

const [client, floating, other] = ['198.51.100.2', '172.24.4.101', '172.24.4.102'];

beforeEach(async () => {
  await kernel.apply([
    { do: 'delete-netns', name: netns },
    { do: 'ensure-netns', name: netns },
    { do: 'nft', netns, script: 'table ip t {\nchain c {\ntype nat hook prerouting priority 0;\n}\n}\n' },
  ]);
  await make({ from: client, to: floating, port: 80, destination: '10.0.0.11' });
  await make({ from: client, to: floating, port: 81, destination: '10.0.0.12' });
  await make({ from: '10.0.0.11', to: client, port: 7000, source: floating });
  await make({ from: '10.0.0.13', to: client, port: 7000, source: other });
  await make({ from: client, to: other, port: 2222, destination: '10.0.0.11:22' });
  await make({ from: client, to: other, port: 2223, destination: '10.0.0.11:22', protocol: 'udp' });
  await make({ from: '10.0.0.13', to: floating, port: 80, destination: '10.0.0.11', source: other });
  await make({ from: '10.0.0.11', to: '10.0.1.5', port: 80 });
  await make({ from: 'fd00::11', to: '2001:db8::1', port: 80 });
});

const both = (external: string, internal: string): Translation[] => [
  { end: 'source', external, internal },
  { end: 'destination', external, internal },
];

const end = (except: readonly Translation[], address?: string) =>
  kernel.apply([{ do: 'end-connections', netns, except, ...(address ? { address } : {}) }]);

/** What `work` ended. */
async function ended(work: () => Promise<void>): Promise<string[]> {
  const earlier = await left();
  assert.equal(earlier.length, 9);
  await work();
  const later = await left();
  return earlier.filter((one) => !later.includes(one));
}

test('those of one address end, but for what still holds; at both ends', async () => {
  assert.deepEqual(await ended(() => end(both(floating, '10.0.0.12'), floating)), [
    `10.0.0.11>${client}:7000`,
    `10.0.0.13>${floating}:80`,
    `${client}>${floating}:80`,
  ]);
});

test('forwarded ports are told apart by protocol, port and where they lead', async () => {
  const ports = { protocol: 6, from: 2220, to: 2229, internalFrom: 20 };
  const own: Translation[] = [
    { end: 'source', external: other },
    { end: 'destination', external: other, internal: '10.0.0.11', ports },
    ...both(floating, '10.0.0.11'),
  ];
  assert.deepEqual(await ended(() => end(own, other)), [`${client}>${other}:2223`]);
  await end(
    own.map((one) => (one.ports ? { ...one, ports: { ...ports, internalFrom: 21 } } : one)),
    other,
  );
  assert.ok(!(await left()).includes(`${client}>${other}:2222`));
});

test('without an address all that is translated and not named ends, and nothing else', async () => {
  assert.deepEqual(await ended(() => end([])), [
    `10.0.0.11>${client}:7000`,
    `10.0.0.13>${floating}:80`,
    `10.0.0.13>${client}:7000`,
    `${client}>${floating}:80`,
    `${client}>${floating}:81`,
    `${client}>${other}:2222`,
    `${client}>${other}:2223`,
  ]);
  await kernel.apply([{ do: 'end-connections', netns: 'nowhere', except: [] }]);
});
