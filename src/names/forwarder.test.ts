import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { encode, type Packet } from 'dns-packet';
import { FakeDnsServer } from '../../test/helpers/fake-dns-server.ts';
import { until } from '../../test/helpers/until.ts';
import { silentLog } from '../base/log.ts';
import { Forwarder } from './forwarder.ts';
import { parseQuery } from './message.ts';

let server: FakeDnsServer;
let other: FakeDnsServer;
let seconds = 0;
const asker = { network: 'n', source: '10.0.0.5' };

before(async () => {
  [server, other] = await Promise.all([FakeDnsServer.start(), FakeDnsServer.start()]);
});
after(() => Promise.all([server.close(), other.close()]));
beforeEach(() => {
  for (const one of [server, other]) {
    one.mangle = (reply) => [encode(reply)];
    one.asked.length = 0;
    one.queries.length = 0;
  }
});

const aForwarder = () =>
  new Forwarder({ log: silentLog(), now: () => seconds * 1000, timing: { tryMs: 300, totalMs: 5_000 } });
const ask = (name: string, type: 'A' | 'TXT' = 'A') =>
  parseQuery(encode({ type: 'query', id: 3, questions: [{ type, name }] }));
const rcodeOf = async (forwarder: Forwarder, name: string, servers = [server.server, other.server]) =>
  (await forwarder.ask(ask(name), servers, asker))?.answer.rcode;

test('an answer is kept as long as it lives, by the servers that were asked', async () => {
  const forwarder = aForwarder();
  assert.equal(await rcodeOf(forwarder, 'outside.test'), 0);
  seconds += 59;
  const kept = await forwarder.ask(ask('OUTSIDE.test'), [server.server, other.server], asker);
  assert.equal(kept?.seconds, 59);
  assert.equal(server.asked.length, 1);
  await forwarder.ask(ask('outside.test'), [other.server], asker);
  assert.equal(other.asked.length, 1, 'another tenant’s servers are asked themselves');
  seconds += 2;
  await rcodeOf(forwarder, 'outside.test');
  assert.equal(server.asked.length, 2);
});

test('each question has a number and a port of its own', async () => {
  const forwarder = aForwarder();
  for (let at = 0; at < 12; at += 1) await rcodeOf(forwarder, `a${at}.test`);
  assert.ok(new Set(server.queries.map(({ id }) => id)).size > 8);
});

test('an answer that was cut short is asked for by TCP', async () => {
  const passed = await aForwarder().ask(ask('long.test', 'TXT'), [server.server], asker);
  assert.ok((passed?.answer.message.length ?? 0) > 4000);
  assert.equal(server.asked.length, 2);
});

test('a silent server and one that cannot help are passed over', async () => {
  server.mangle = () => [];
  assert.equal(await rcodeOf(aForwarder(), 'outside.test'), 0);
  server.mangle = (reply) => [encode({ ...reply, flags: 2, answers: [] })];
  assert.equal(await rcodeOf(aForwarder(), 'outside.test'), 0);
  assert.equal(other.asked.length, 2);
});

test('nobody there is no answer', async () => {
  server.mangle = () => [];
  assert.equal(await aForwarder().ask(ask('outside.test'), [server.server], asker), undefined);
  assert.equal(await aForwarder().ask(ask('outside.test'), [], asker), undefined);
});

test('a server from before EDNS is asked without it', async () => {
  server.mangle = (reply, _over, query) =>
    (query.additionals ?? []).length > 0 ? [encode({ ...reply, flags: 1, answers: [] })] : [encode(reply)];
  assert.equal(await rcodeOf(aForwarder(), 'outside.test', [server.server]), 0);
  assert.equal(server.asked.length, 2);
});

const lies: Record<string, (reply: Packet) => Buffer> = {
  'another number': (reply) => encode({ ...reply, id: ((reply.id ?? 0) + 1) & 0xffff }),
  'another question': (reply) => encode({ ...reply, questions: [{ type: 'A', name: 'evil.test' }] }),
  'another type': (reply) => encode({ ...reply, questions: [{ type: 'TXT', name: 'outside.test' }] }),
  'a question': (reply) => encode({ ...reply, type: 'query' }),
  'a piece': (reply) => encode(reply).subarray(0, 40),
  nothing: () => Buffer.alloc(0),
  noise: () => Buffer.alloc(300, 0xff),
};
for (const [what, lie] of Object.entries(lies)) {
  test(`${what} is not an answer: the right one is waited for`, async () => {
    server.mangle = (reply) => [lie(reply), encode(reply)];
    const passed = await aForwarder().ask(ask('outside.test'), [server.server], asker);
    assert.equal(passed?.answer.lifetimes.length, 1);
    server.mangle = (reply) => [lie(reply)];
    assert.equal(await aForwarder().ask(ask('outside.test'), [server.server], asker), undefined);
  });
}

test('the same question is asked once at a time', async () => {
  const forwarder = aForwarder();
  const passed = await Promise.all(Array.from({ length: 20 }, () => rcodeOf(forwarder, 'outside.test')));
  assert.deepEqual(new Set(passed), new Set([0]));
  assert.equal(server.asked.length, 1);
});

test('nobody has more than their share of questions under way, and others are served meanwhile', async () => {
  const forwarder = aForwarder();
  server.mangle = () => [];
  const flood = Array.from({ length: 100 }, (_, at) =>
    forwarder.ask(ask(`f${at}.test`), [server.server], asker),
  );
  await until('the flood is under way', async () => server.asked.length >= 64);
  const neighbour = { ...asker, source: '10.0.0.6' };
  assert.equal((await forwarder.ask(ask('outside.test'), [other.server], neighbour))?.answer.rcode, 0);
  assert.equal(await rcodeOf(forwarder, 'outside.test', [other.server]), 0, 'what is known costs nothing');
  assert.equal(await forwarder.ask(ask('else.test'), [other.server], asker), undefined);
  await Promise.all(flood);
  assert.equal(new Set(server.asked).size, 64);
  assert.equal(await rcodeOf(forwarder, 'else.test', [other.server]), 3);
});

test('a name that is not there is kept only as long as somebody says', async () => {
  const forwarder = aForwarder();
  await rcodeOf(forwarder, 'nobody.test');
  await rcodeOf(forwarder, 'nobody.test');
  assert.equal(server.asked.length, 2);
});
