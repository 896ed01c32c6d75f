import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { after, before, beforeEach, test } from 'node:test';
import { selfSigned } from '../../../test/helpers/certificate.ts';
import { behaviours, HookReceiver } from '../../../test/helpers/hook-receiver.ts';
import { until } from '../../../test/helpers/until.ts';
import { loadConfig } from '../../base/config.ts';
import { parseCidr } from '../../ipam/address.ts';
import { parseAllowed } from './allowed-addresses.ts';
import { dnsResolve, type Resolved } from './resolve.ts';
import { Sender, type SenderOptions, senderOf } from './sender.ts';

const loopback = parseAllowed(['127.0.0.1/32']);
let receiver: HookReceiver;
before(async () => {
  receiver = await HookReceiver.start();
});
beforeEach(() => {
  receiver.heard.length = 0;
  receiver.behave = behaviours.takes;
});
after(() => receiver[Symbol.asyncDispose]());

const letter = { headers: { 'berth-event-id': '7' }, body: '{"id":7,"name":"ü"}' };

async function send(url = receiver.url, options: Partial<SenderOptions> = {}) {
  const line = new Sender({ allowed: loopback, deadlineMs: 5_000, ...options }).open();
  try {
    return await line.send({ ...letter, url });
  } finally {
    line.close();
  }
}

const named = (...addresses: string[]) => ({
  resolve: async (): Promise<Resolved[]> =>
    addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
});
const hookAt = (name: string) => `http://${name}:${receiver.port}/hook`;

test('a body arrives as it is, and what is answered is its status', async () => {
  assert.deepEqual(await send(), { status: 204, error: null });
  const [heard] = receiver.heard;
  assert.equal(heard?.text, letter.body);
  assert.equal(heard?.headers['berth-event-id'], '7');
  assert.equal(heard?.headers['content-length'], String(Buffer.byteLength(letter.body)));
});

test('a failure is told by its status, never by the body', async () => {
  receiver.behave = behaviours.fails;
  assert.deepEqual(await send(), { status: 500, error: 'answered 500' });
});

test('redirects are not followed', async () => {
  receiver.behave = behaviours.redirects;
  assert.deepEqual(await send(), { status: 302, error: 'answered 302; redirects are not followed' });
  assert.equal(receiver.heard.length, 1);
});

test('who does not answer, resets, or speaks something else has failed', async () => {
  receiver.behave = behaviours.hangs;
  assert.deepEqual(await send(receiver.url, { deadlineMs: 100 }), {
    status: null,
    error: 'no answer within 0.1 s',
  });
  receiver.behave = behaviours.resets;
  const reset = { status: null, error: 'the connection was closed before an answer came' };
  assert.deepEqual(await send(), reset);
  const babbler = createServer((socket) =>
    socket
      .on('error', () => undefined)
      .resume()
      .end('SSH-2.0-x\r\n'),
  );
  babbler.listen(0, '127.0.0.1');
  await once(babbler, 'listening');
  const { port } = babbler.address() as AddressInfo;
  const babble = await send(`http://127.0.0.1:${port}/`);
  assert.deepEqual(babble, { status: null, error: 'what came is no answer of HTTP' });
  babbler.close();
  await once(babbler, 'close');
  const refused = await send(`http://127.0.0.1:${port}/`);
  assert.deepEqual(refused, { status: null, error: 'connection refused' });
  const secure = await send(receiver.url.replace('http:', 'https:'));
  assert.match(secure.error ?? '', /^the request failed \(/);
});

test('an answer counts when its head has come; a body that dawdles or floods is cut off', async () => {
  for (const behave of [behaviours.dawdles, behaviours.floods]) {
    receiver.behave = behave;
    assert.deepEqual(await send(), { status: 200, error: null });
    const { socket } = receiver.heard.at(-1) ?? {};
    await until('the connection is closed', async () => socket?.destroyed);
    assert.ok((socket?.bytesWritten ?? 0) < 10_000_000);
  }
});

test('over TLS a receiver is one of that name, by an authority that is trusted', async () => {
  const made = selfSigned('hooks.example');
  await using secure = await HookReceiver.start('127.0.0.1', made);
  const url = (name: string) => `https://${name}:${secure.port}/hook`;
  const here = named('127.0.0.1');
  const trusting = { ...here, ca: made.cert };
  assert.deepEqual(await send(url('hooks.example'), trusting), { status: 204, error: null });
  const wrong = await send(url('other.example'), trusting);
  assert.equal(wrong.error, 'its certificate is not trusted (ERR_TLS_CERT_ALTNAME_INVALID)');
  const unknown = await send(url('hooks.example'), here);
  assert.equal(unknown.error, 'its certificate is not trusted (DEPTH_ZERO_SELF_SIGNED_CERT)');
  assert.equal(secure.heard.length, 1);
});

test('settings of where to deliver are checked at the start', () => {
  const settings = (webhooks: object) => loadConfig({ env: {}, overrides: { webhooks } }).webhooks;
  assert.throws(() => senderOf(settings({ caFile: '/none' })), /setting webhooks\.caFile: ENOENT/);
  assert.throws(
    () => senderOf(settings({ allowedAddresses: ['all'] })),
    /setting webhooks\.allowedAddresses: 'all'/,
  );
});

test('letters of a line share a connection', async () => {
  const line = new Sender({ allowed: loopback, deadlineMs: 5_000 }).open();
  for (let n = 0; n < 3; n += 1)
    assert.equal((await line.send({ ...letter, url: receiver.url })).error, null);
  line.close();
  assert.equal(new Set(receiver.heard.map(({ socket }) => socket)).size, 1);
});

const inside = ['127.0.0.2', '10.0.0.1', '169.254.169.254', '::1', '::ffff:127.0.0.2', 'fd00::1'];
for (const address of inside) {
  test(`a name that leads to ${address} is not connected to`, async () => {
    const { status, error } = await send(hookAt('hooks.example'), named(address));
    assert.deepEqual(
      [status, error],
      [null, 'hooks.example leads to no address that this cloud delivers to'],
    );
  });
}

/** The ways to write an address that a URL allows. */
const literals = [
  '127.0.0.2',
  '0x7f.2',
  '2130706434',
  '0177.0.0.2',
  '127.2',
  '[::1]',
  '[::ffff:127.0.0.2]',
  '[::]',
];
for (const host of literals) {
  test(`http://${host} is not connected to`, async () => {
    const { status, error } = await send(hookAt(host), { resolve: () => assert.fail('it is no name') });
    assert.equal(status, null);
    assert.match(error ?? '', / is no address that this cloud delivers to$/);
  });
}

test('a name that leads to this machine’s own public address is not connected to', async () => {
  const own = () => [parseCidr('8.8.8.8/32')];
  const { error } = await send(hookAt('hooks.example'), { ...named('8.8.8.8'), own });
  assert.equal(error, 'hooks.example leads to no address that this cloud delivers to');
});

test('of several addresses only allowed ones are tried', async () => {
  const other = await HookReceiver.start('127.0.0.2');
  const both = named('127.0.0.2', '127.0.0.1');
  assert.equal((await send(hookAt('hooks.example'), both)).error, null);
  assert.equal(receiver.heard[0]?.headers.host, `hooks.example:${receiver.port}`);
  const wrong = await send(`http://hooks.example:${other.port}/`, both);
  assert.equal(wrong.error, 'connection refused');
  assert.equal(other.heard.length, 0);
  await other[Symbol.asyncDispose]();
});

test('each connection is judged by the addresses of its own moment', async () => {
  const answers = ['127.0.0.1', '127.0.0.2'];
  const resolve = async (): Promise<Resolved[]> => [{ address: answers.shift() ?? '', family: 4 }];
  const sender = new Sender({ allowed: loopback, deadlineMs: 5_000, resolve });
  for (const expected of [null, 'hooks.example leads to no address that this cloud delivers to']) {
    const line = sender.open();
    assert.equal((await line.send({ ...letter, url: hookAt('hooks.example') })).error, expected);
    line.close();
  }
});

test('a name without an address, and DNS that does not answer, are told apart', async () => {
  assert.equal((await send(hookAt('hooks.example'), named())).error, 'the name hooks.example has no address');
  const dead = createSocket('udp4').bind(0, '127.0.0.1');
  await once(dead, 'listening');
  const servers = [`127.0.0.1:${dead.address().port}`];
  const options = { resolve: dnsResolve({ servers, timeoutMs: 50 }) };
  assert.equal((await send(hookAt('hooks.example'), options)).error, 'the name could not be resolved');
  const late = { resolve: dnsResolve({ servers }), deadlineMs: 50 };
  assert.equal((await send(hookAt('hooks.example'), late)).error, 'no answer within 0.05 s');
  dead.close();
});
