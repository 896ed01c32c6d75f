/** Consoles over real connections: who gets one, what goes through it, and how it ends. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { openSocket, refusedSocket } from '../../../test/helpers/web-socket.ts';
import { createZunApi, type ZunApi } from '../../../test/helpers/zun-api.ts';

let api: ZunApi;
let port: number;
/** As the identity service tells it, by user. */
const standings = new Map<string, string | undefined>();

async function serve(overrides: Record<string, unknown> = {}): Promise<ZunApi> {
  const quotas = { containers: -1, cpu: -1, memory: -1 };
  const consoles = { pingSeconds: 0.2, allowedOrigins: ['https://dashboard.example'] };
  const standingOf = async (user: string) => (standings.has(user) ? standings.get(user) : '1');
  const made = await createZunApi({ quotas, consoles, ...overrides }, { standingOf });
  await made.app.listen({ host: '127.0.0.1', port: 0 });
  return made;
}
const portOf = ({ app }: ZunApi) => (app.server.address() as AddressInfo).port;

before(async () => {
  api = await serve();
  port = portOf(api);
});
after(() => api.close());

async function box(of = api, more: object = {}): Promise<string> {
  const body = { image: 'busybox', interactive: true, tty: true, ...more };
  const { uuid } = (await of.ask('POST', '/v1/containers?run=true', { body })).body;
  await of.world.until('it runs', async () => (await of.world.row(uuid))?.status === 'Running');
  return uuid;
}
const host = () => ({ host: `127.0.0.1:${port}` });
const attach = async (uuid: string, of = api): Promise<string> => {
  const { status, body } = await of.ask('GET', `/v1/containers/${uuid}/attach`, { headers: host() });
  assert.equal(status, 200, JSON.stringify(body));
  return body;
};
const execute = async (uuid: string, query: string) =>
  (await api.ask('POST', `/v1/containers/${uuid}/execute?${query}`, { headers: host() })).body;
const later = async (seconds: number) => {
  api.world.clock.advance(seconds);
  await api.world.agent.beat();
};
const tokens = () => api.world.db.selectFrom('console_tokens').selectAll().execute();

test('attach answers an address that opens the container’s terminal, once', async () => {
  const uuid = await box();
  const url = await attach(uuid);
  assert.match(url, new RegExp(`^ws://127\\.0\\.0\\.1:${port}/console\\?token=[\\w-]{43}&uuid=${uuid}$`));
  const console = await openSocket(url, { protocols: ['binary', 'base64'] });
  assert.equal(console.socket.protocol, 'binary');
  await api.ask('POST', `/v1/containers/${uuid}/resize?h=33&w=99`);
  console.socket.send(Buffer.from('size\r'));
  await console.hears('33 99');
  assert.ok(console.messages.every(({ isBinary }) => isBinary));
  const again = await refusedSocket(url);
  assert.deepEqual([again.status, again.body.errors[0].code], [403, 'container.console-token-refused']);
  // Several may look at the same terminal.
  const second = await openSocket(await attach(uuid));
  second.socket.send('hello\r');
  await console.hears('did hello');
  second.socket.close();
  await api.world.until('one has left', async () => api.world.agent.terminalOf(uuid).talking.size === 1);
  console.socket.send('exit\r');
  assert.deepEqual(await console.closed, { code: 1000, reason: 'Target closed' });
});

test('a token is stored as a hash only, and goes with its container', async () => {
  const uuid = await box();
  const url = new URL(await attach(uuid));
  const own = (await tokens()).filter(({ container_uuid: of }) => of === uuid);
  assert.equal(own.length, 1);
  assert.ok(!JSON.stringify(own).includes(url.searchParams.get('token') ?? 'none'));
  await api.ask('DELETE', `/v1/containers/${uuid}?stop=true`);
  await api.world.until('it is gone', async () => (await api.world.row(uuid)) === undefined);
  assert.ok((await tokens()).every(({ container_uuid: of }) => of !== uuid));
  assert.equal((await refusedSocket(String(url))).status, 403);
});

test('a command with a terminal is made ready, started by its console, and tells how it ended', async () => {
  const uuid = await box(api, { interactive: false, tty: false });
  const {
    output,
    exit_code: code,
    exec_id: id,
    proxy_url: url,
  } = await execute(uuid, "command=sh -c 'a b'&run=false&interactive=true");
  assert.deepEqual([output, code], [null, null]);
  assert.match(url, new RegExp(`/console\\?token=[\\w-]{43}&uuid=${uuid}&exec_id=${id}$`));
  const asked = { command: ['sh', '-c', 'a b'], tty: true, interactive: true };
  assert.deepEqual(api.world.agent.asked.get(id), asked);
  const resize = (query: string) => api.ask('POST', `/v1/containers/${uuid}/execute_resize?${query}`);
  assert.equal((await resize(`exec_id=${id}&h=20&w=60`)).status, 400, 'it does not run yet');
  const console = await openSocket(url);
  assert.equal((await resize(`exec_id=${id}&h=20&w=60`)).status, 200);
  console.socket.send('size\rexit 3\r');
  await console.hears('20 60');
  assert.deepEqual(await console.closed, { code: 1000, reason: 'Target closed: exit code 3' });
});

test('execute at 1.41: variables and a user go along; without a terminal nothing is read', async () => {
  const uuid = await box();
  const body = { command: 'tail -f x', run: false, environment: { A: '1' }, user: 'app' };
  const url = `/v1/containers/${uuid}/execute`;
  const { exec_id: id } = (await api.ask('POST', url, { version: '1.41', body })).body;
  const { command: _, run: __, ...more } = body;
  const asked = { command: ['tail', '-f', 'x'], tty: false, interactive: false, ...more };
  assert.deepEqual(api.world.agent.asked.get(id), asked);
  for (const wrong of [{ stdin: 'x' }, { timeout: 5 }]) {
    const answer = await api.ask('POST', url, { version: '1.41', body: { ...body, ...wrong } });
    assert.deepEqual([answer.status, answer.body.errors[0].code], [400, 'container.invalid-value']);
  }
  const told = await api.ask('POST', `${url}?command=tell&interactive=true`);
  assert.deepEqual([told.status, JSON.parse(told.body.output).tty], [200, true]);
});

test('who may not attach gets no address', async () => {
  const uuid = await box();
  const ask = (token: string) => api.ask('GET', `/v1/containers/${uuid}/attach`, { token });
  const command = 'execute?command=sh&run=false&interactive=true';
  assert.equal((await ask('bob')).status, 404);
  assert.equal((await ask('reader-of-alice')).status, 403);
  assert.equal((await api.ask('POST', `/v1/containers/${uuid}/${command}`, { token: 'bob' })).status, 404);
  const deaf = await box(api, { interactive: false });
  const { status, body } = await api.ask('GET', `/v1/containers/${deaf}/attach`);
  assert.deepEqual([status, body.errors[0].code], [400, 'container.no-interactive-flag']);
});

test('a token opens nothing else, nothing after its time, and nothing when it is garbage', async () => {
  const [uuid, other] = [await box(), await box()];
  const { proxy_url: execUrl, exec_id: id } = await execute(uuid, 'command=sh&run=false&interactive=true');
  const good = await attach(uuid);
  const base = `ws://127.0.0.1:${port}/console`;
  const token = new URL(good).searchParams.get('token');
  const wrong = [
    `${base}?token=${token}&uuid=${other}`,
    `${base}?token=${token}&uuid=${uuid}&exec_id=${id}`,
    execUrl.replace(/&exec_id=.*/, ''),
    execUrl.replace(id, 'f'.repeat(64)),
    `${base}?token=${'A'.repeat(43)}&uuid=${uuid}`,
    `${base}?token=${token}`,
    `${base}?token=${token}&uuid=%00&uuid=x`,
    `${base}?token=${'%00'.repeat(2000)}&uuid=${uuid}`,
    `${base}?token=${token}&uuid=${uuid}&exec_id=%27;--`,
  ];
  for (const url of wrong) {
    const { status, body } = await refusedSocket(url);
    assert.equal(status, 403, url);
    assert.match(body.errors[0].title, /^This token opens no console/);
  }
  for (const query of ['', `?uuid=${uuid}`, `?token=&uuid=${uuid}`, `?token=a&token=b&uuid=${uuid}`])
    assert.equal((await refusedSocket(`${base}${query}`)).status, 401, query);
  await later(91);
  assert.equal((await refusedSocket(good)).status, 403);
  await attach(uuid);
  // It was none of these that used it up.
  const fresh = await attach(uuid);
  const half = new URL(fresh);
  half.searchParams.set('uuid', other);
  assert.equal((await refusedSocket(String(half))).status, 403);
  (await openSocket(fresh)).socket.close();
});

test('no query opens anything that was not given out, and none is an internal error', async () => {
  const value = fc.oneof(fc.string({ unit: 'binary', maxLength: 80 }), fc.uuid(), fc.constant(undefined));
  await fc.assert(
    fc.asyncProperty(fc.record({ token: value, uuid: value, exec_id: value }), async (asked) => {
      const given = Object.entries(asked).filter((pair): pair is [string, string] => pair[1] !== undefined);
      const { status } = await refusedSocket(`ws://127.0.0.1:${port}/console?${new URLSearchParams(given)}`);
      assert.ok(status === 401 || status === 403, String(status));
    }),
  );
});

test('of two that come at once with one token, one gets in', async () => {
  const url = await attach(await box());
  const results = await Promise.allSettled(Array.from({ length: 8 }, () => openSocket(url)));
  const opened = results.filter((result) => result.status === 'fulfilled');
  assert.equal(opened.length, 1);
  for (const { value } of opened) value.socket.close();
});

test('a container that was stopped meanwhile is not attached to', async () => {
  const uuid = await box();
  const url = await attach(uuid);
  await api.ask('POST', `/v1/containers/${uuid}/stop`);
  await api.world.until('it is stopped', async () => (await api.world.row(uuid))?.status === 'Stopped');
  const { status, body } = await refusedSocket(url);
  assert.deepEqual([status, body.errors[0].code], [409, 'container.invalid-state-exception']);
});

test('only so many wait to be opened', async () => {
  const uuid = await box();
  for (let count = 0; count < 32; count++) await attach(uuid);
  const made = api.world.agent.asked.size;
  const refused = await api.ask('POST', `/v1/containers/${uuid}/execute?command=sh&run=false`);
  assert.equal(refused.status, 429);
  assert.equal(api.world.agent.asked.size, made);
  await later(91);
  await attach(uuid);
});

test('pages of other sites are refused; this one’s, Zun’s client and those that are allowed are not', async () => {
  const uuid = await box();
  for (const origin of [
    'http://evil.example',
    'https://127.0.0.1',
    'null',
    'http://127.0.0.1.evil.example',
    'http://[::1]',
    '',
  ]) {
    const { status, body } = await refusedSocket(await attach(uuid), { headers: { origin } });
    assert.deepEqual([status, body.errors[0].code], [403, 'container.origin-not-allowed'], origin);
  }
  for (const origin of [
    `http://127.0.0.1:${port}`,
    'http://127.0.0.1:None',
    'https://dashboard.example',
    'HTTP://127.0.0.1',
  ])
    (await openSocket(await attach(uuid), { headers: { origin } })).socket.close();
});

test('base64 both ways; what is no base64 ends it; other subprotocols are refused', async () => {
  const console = await openSocket(await attach(await box()), { protocols: ['base64', 'chat'] });
  assert.equal(console.socket.protocol, 'base64');
  console.socket.send(Buffer.from('ahoy\r').toString('base64'));
  await api.world.until('it is said', async () => {
    const said = console.messages.map(({ data }) => Buffer.from(String(data), 'base64').toString());
    return said.join('').includes('did ahoy');
  });
  assert.ok(console.messages.every(({ isBinary }) => !isBinary));
  console.socket.send('no base64!');
  assert.equal((await console.closed).code, 1007);
  const refused = await refusedSocket(await attach(await box()), { protocols: ['chat'] });
  assert.equal(refused.status, 400);
});

test('characters are not cut in two', async () => {
  const uuid = await box();
  const console = await openSocket(await attach(uuid));
  await console.hears('\\$ ');
  const bytes = Buffer.from('aß€😀');
  for (const byte of bytes) api.world.agent.terminalOf(uuid).say(Buffer.from([byte]));
  await console.hears('aß€😀');
  for (const { data } of console.messages)
    assert.ok(!data.toString().includes('\uFFFD'), data.toString('hex'));
  api.world.agent.terminalOf(uuid).say(Buffer.from([0xe2]));
  await api.world.until(
    'what stays half is said all the same',
    async () => console.messages.at(-1)?.data[0] === 0xe2,
  );
  console.socket.close();
});

test('much goes through, at the reader’s pace, and all of it', async () => {
  const uuid = await box();
  const console = await openSocket(await attach(uuid));
  console.socket.pause();
  const bytes = 20_000_000;
  console.socket.send(`lots ${bytes}\r`);
  const [output] = api.world.agent.terminalOf(uuid).talking;
  const waiting = () => output?.writableLength ?? 0;
  await api.world.until('it is said', async () => waiting() > 0);
  // Nobody reads: but for what the machine itself takes on its way, it stays where it is.
  let before = Number.POSITIVE_INFINITY;
  await api.world.until('no more of it is taken', async () => {
    const isStill = waiting() === before;
    before = waiting();
    return isStill;
  });
  assert.ok(waiting() > bytes / 2, String(waiting()));
  console.socket.resume();
  const length = () => console.messages.reduce((sum, { data }) => sum + data.length, 0);
  await api.world.until('it is there', async () => length() > bytes);
  console.socket.close();
});

test('who types faster than is read has to wait, and nothing is lost', async () => {
  const uuid = await box();
  const terminal = api.world.agent.terminalOf(uuid);
  const { promise, resolve } = Promise.withResolvers<void>();
  terminal.hears = promise;
  let heard = 0;
  terminal.take = (typed) => {
    heard += typed.length;
  };
  const console = await openSocket(await attach(uuid));
  const messages = 200;
  for (let count = 0; count < messages; count++) console.socket.send(Buffer.alloc(100_000, '\n'));
  let before = -1;
  await api.world.until('no more of it is taken', async () => {
    const isStill = console.socket.bufferedAmount === before;
    before = console.socket.bufferedAmount;
    return isStill;
  });
  assert.ok(console.socket.bufferedAmount > (messages * 100_000) / 2);
  resolve();
  await api.world.until('all of it is read', async () => heard === messages * 100_000);
  console.socket.terminate();
});

test('behind TLS the address is a secure one, and so are the pages of the site', async () => {
  const own = await serve({ publicUrl: 'https://cloud.example/' });
  const uuid = await box(own);
  const url = await attach(uuid, own);
  assert.match(url, /^wss:\/\/cloud\.example\/console\?token=/);
  const here = url.replace('wss://cloud.example', `ws://127.0.0.1:${portOf(own)}`);
  const insecure = await refusedSocket(here, { headers: { origin: 'http://cloud.example' } });
  assert.equal(insecure.status, 403);
  const console = await openSocket(here, { headers: { origin: 'https://cloud.example:None' } });
  console.socket.close();
  await own.close();
});

test('a message beyond all measure ends it', async () => {
  const console = await openSocket(await attach(await box()));
  console.socket.send(Buffer.alloc(300_000));
  assert.equal((await console.closed).code, 1009);
});

test('whose password changed, or who has gone, is closed out, and an address that waits is worth nothing', async () => {
  const uuid = await box();
  const console = await openSocket(await attach(uuid));
  const waiting = await attach(uuid);
  standings.set('user-of-alice', '2');
  assert.equal((await refusedSocket(waiting)).status, 403);
  assert.deepEqual(await console.closed, { code: 1008, reason: 'You may no longer use this.' });
  const other = await openSocket(await attach(uuid));
  standings.set('user-of-alice', undefined);
  assert.equal((await refusedSocket(await attach(uuid))).status, 403);
  assert.equal((await other.closed).code, 1008);
  standings.delete('user-of-alice');
  await api.world.until('nobody talks', async () => api.world.agent.terminalOf(uuid).talking.size === 0);
});

test('who does not answer pings is let go of; who cannot be pinged is not asked', async () => {
  const uuid = await box();
  const silent = await openSocket(await attach(uuid), { autoPong: false, headers: { 'user-agent': 'x' } });
  assert.equal((await silent.closed).code, 1006);
  const old = await openSocket(await attach(uuid), { autoPong: false });
  let pings = 0;
  old.socket.on('ping', () => pings++);
  const pinged = await openSocket(await attach(uuid), { headers: { 'user-agent': 'x' } });
  for (let count = 0; count < 3; count++) await once(pinged.socket, 'ping');
  assert.equal(pings, 0);
  for (const each of [old, pinged]) each.socket.close();
});

test('a console in which nothing is said is closed', async () => {
  const own = await serve({ consoles: { pingSeconds: 0.02, idleSeconds: 0.1 } });
  const url = (await attach(await box(own), own)).replace(String(port), String(portOf(own)));
  const { code, reason } = await (await openSocket(url)).closed;
  assert.deepEqual([code, /^Nothing was said for/.test(reason)], [1008, true]);
  await own.close();
});

test('who breaks the connection is let go of by the agent', async () => {
  const uuid = await box();
  const console = await openSocket(await attach(uuid));
  console.socket.terminate();
  await api.world.until('nobody talks', async () => api.world.agent.terminalOf(uuid).talking.size === 0);
});

test('a server that stops says so, and waits for nobody', async () => {
  const own = await serve();
  const url = (await attach(await box(own), own)).replace(String(port), String(portOf(own)));
  const console = await openSocket(url);
  await own.close();
  assert.deepEqual(await console.closed, { code: 1001, reason: 'The server stops.' });
});

test('the address is for WebSockets, and nothing else becomes one', async () => {
  const ask = (path: string, headers: Record<string, string>): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      get({ host: '127.0.0.1', port, path, headers, agent: false }, resolve).on('error', reject);
    });
  const plain = await ask('/console?token=x', {});
  assert.deepEqual([plain.statusCode, plain.headers.upgrade], [426, 'websocket']);
  plain.resume();
  // Clients that offer HTTP/2 get what they asked for.
  const offering = await ask('/healthcheck', { connection: 'Upgrade, HTTP2-Settings', upgrade: 'h2c' });
  assert.deepEqual([offering.statusCode, await text(offering)], [200, 'OK']);
  assert.equal((await refusedSocket(`ws://127.0.0.1:${port}/v1/containers`)).status, 401);
  const headers = { 'x-auth-token': 'alice' };
  const list = await refusedSocket(`ws://127.0.0.1:${port}/v1/containers`, { headers });
  assert.deepEqual([list.status, list.body.containers.length > 0], [200, true]);
  assert.equal((await refusedSocket(`ws://127.0.0.1:${port}/nothing`, { headers })).status, 404);
  // One that does not know how to shake hands, and one that leaves at once.
  const handshake = `GET ${new URL(await attach(await box())).pathname} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`;
  for (const isPatient of [true, false]) {
    const connection = connect(port, '127.0.0.1');
    connection.write(handshake);
    if (isPatient) assert.match(await text(connection), /^HTTP\/1\.1 401 /);
    else connection.destroy();
  }
});

test('logs are followed over a WebSocket, with the token of the API', async () => {
  const uuid = await box();
  const url = `ws://127.0.0.1:${port}/v1/containers/${uuid}/logs?follow=true`;
  const as = (token: string, version = '1.41') => ({
    headers: { 'x-auth-token': token, 'openstack-api-version': `container ${version}` },
  });
  const logs = await openSocket(url, as('alice'));
  await logs.hears(`log of ${uuid}`);
  api.world.agent.followers.get(uuid)?.write('ahoy\n');
  await logs.hears('ahoy');
  logs.socket.send('is not listened to');
  await api.world.agent.exit(uuid);
  assert.deepEqual(await logs.closed, { code: 1000, reason: 'Target closed' });
  assert.equal((await refusedSocket(url, as('bob'))).status, 404);
  assert.equal((await refusedSocket(url, as('alice', '1.40'))).status, 400);
  assert.equal((await refusedSocket(url)).status, 401);
  const evil = { ...as('alice').headers, origin: 'http://evil.example' };
  assert.equal((await refusedSocket(url, { headers: evil })).status, 403);
  const left = await box();
  const leaving = await openSocket(url.replace(uuid, left), as('alice'));
  leaving.socket.terminate();
  await api.world.until('the agent knows', async () => api.world.agent.followers.get(left)?.destroyed);
});
