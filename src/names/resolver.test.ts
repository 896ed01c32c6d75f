/** The resolver of a network through real sockets on loopback: what a client sees, and what it cannot break. */
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { decode, encode, type Packet } from 'dns-packet';
import { FakeDnsServer } from '../../test/helpers/fake-dns-server.ts';
import { aNetwork } from '../../test/helpers/wanted-network.ts';
import { silentLog } from '../base/log.ts';
import { openSocket } from '../host/sockets.ts';
import { Forwarder } from './forwarder.ts';
import { frame, readMessages } from './framing.ts';
import { HostServers, parseResolvConf } from './host-servers.ts';
import { Resolvers } from './resolvers.ts';

const named = {
  dnsDomain: 'corp.example',
  names: [{ name: 'web', projectId: 'p', addresses: ['10.0.0.5'] }],
};
let upstream: FakeDnsServer;
let resolvers: Resolvers;
/** Ports of UDP and TCP of the IPv4 side. */
const ports = { udp: 0, tcp: 0 };

before(async () => {
  upstream = await FakeDnsServer.start();
  const probe = { address: '127.0.0.1', port: 0 };
  resolvers = new Resolvers({
    log: silentLog(),
    kernel: {
      async openSocket({ protocol, address }) {
        if (address.includes(':')) return openSocket({ ...probe, protocol, address: '::1' });
        const free = createSocket('udp4').bind(0, '127.0.0.1');
        await once(free, 'listening');
        const { port } = free.address() as AddressInfo;
        free.close();
        ports[protocol] = port;
        return openSocket({ ...probe, protocol, port });
      },
    },
    outside: { forwarder: new Forwarder({ log: silentLog() }), hostServers: () => [upstream.server] },
  });
  await resolvers.serve('n', aNetwork(named));
});
after(async () => {
  resolvers.closeAll();
  await upstream.close();
});

type Seen = Packet & { rcode: string; flag_aa: boolean };

async function overUdp(message: Buffer): Promise<Seen> {
  const socket = createSocket('udp4');
  try {
    socket.send(message, ports.udp, '127.0.0.1');
    const [received] = await once(socket, 'message', { signal: AbortSignal.timeout(5_000) });
    return decode(received) as unknown as Seen;
  } finally {
    socket.close();
  }
}

const query = (name: string, overrides: Packet = {}) =>
  encode({ type: 'query', id: 4711, flags: 0x100, questions: [{ type: 'A', name }], ...overrides });

test('own names, other names, and what is refused', async () => {
  const web = await overUdp(query('web.corp.example'));
  assert.deepEqual([web.id, web.rcode, web.flag_aa, web.answers?.length], [4711, 'NOERROR', true, 1]);
  const outside = await overUdp(query('outside.test'));
  assert.deepEqual([outside.rcode, outside.answers?.length], ['NOERROR', 1]);
  assert.equal((await overUdp(query('nobody.corp.example'))).rcode, 'NXDOMAIN');
  assert.equal((await overUdp(query('web', { flags: 0x2000 }))).rcode, 'NOTIMP');
  assert.equal(
    (await overUdp(query('web', { questions: [{ type: 'AXFR', name: 'corp.example' }] }))).rcode,
    'REFUSED',
  );
  const chaos = query('version.bind', { questions: [{ type: 'TXT', class: 'CH', name: 'version.bind' }] });
  assert.equal((await overUdp(chaos)).rcode, 'REFUSED');
});

test('packets made to break something are not answered, and break nothing', async () => {
  const socket = createSocket('udp4');
  const answers: Buffer[] = [];
  socket.on('message', (message) => answers.push(message));
  const good = query('web');
  const loop = Buffer.concat([good.subarray(0, 12), Buffer.from([0xc0, 12, 0, 1, 0, 1])]);
  const noQuestion = Buffer.from(good);
  noQuestion.writeUInt16BE(0, 4);
  const isAnswer = encode({ type: 'response', id: 1, questions: [{ type: 'A', name: 'web' }] });
  const bad = [
    Buffer.alloc(0),
    Buffer.alloc(11),
    Buffer.alloc(600, 0xff),
    loop,
    noQuestion,
    isAnswer,
    good.subarray(0, -2),
  ];
  for (const message of bad) socket.send(message, ports.udp, '127.0.0.1');
  // In order: when the last is answered, the others were seen.
  socket.send(good, ports.udp, '127.0.0.1');
  await once(socket, 'message', { signal: AbortSignal.timeout(5_000) });
  assert.equal(answers.length, 1);
  socket.close();
});

test('several questions of one connection are answered in turn, and a bad one ends it', async () => {
  const socket = connect(ports.tcp, '127.0.0.1');
  socket.write(Buffer.concat([frame(query('web', { id: 1 })), frame(query('outside.test', { id: 2 }))]));
  const ids: unknown[] = [];
  for await (const message of readMessages(socket)) {
    ids.push(decode(message).id);
    if (ids.length === 2) socket.write(frame(Buffer.alloc(5)));
  }
  assert.deepEqual(ids, [1, 2]);
});

test('names change without a new socket; a closed resolver is silent', async () => {
  const before = { ...ports };
  await resolvers.serve('n', aNetwork({ ...named, names: [] }));
  assert.equal((await overUdp(query('web'))).rcode, 'NXDOMAIN');
  assert.deepEqual(ports, before);
  resolvers.close('n');
  resolvers.close('n');
  const late = connect(ports.tcp, '127.0.0.1');
  const [error] = await once(late, 'error');
  assert.equal(error.code, 'ECONNREFUSED');
});

test('the machine’s servers are read again when they change', () => {
  const folder = mkdtempSync(join(tmpdir(), 'resolv-'));
  try {
    const file = join(folder, 'resolv.conf');
    const servers = new HostServers(file);
    const now = () => servers.list().map(({ address }) => address);
    assert.deepEqual(now(), []);
    writeFileSync(
      file,
      '# nameserver 1.1.1.1\nsearch x\nnameserver 192.0.2.1\n nameserver  fe80::1%eth0\nnameserver x\n',
    );
    assert.deepEqual(now(), ['192.0.2.1', 'fe80::1%eth0']);
    writeFileSync(file, 'nameserver 192.0.2.22\n');
    assert.deepEqual(now(), ['192.0.2.22']);
    assert.deepEqual(parseResolvConf('nameserver'), []);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
