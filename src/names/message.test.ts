import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decode, encode, type Packet } from 'dns-packet';
import fc from 'fast-check';
import { fitDatagram, parseAnswer, parseQuery, passOn, reply, toUpstream } from './message.ts';

const question = { type: 'A', name: 'Outside.Test' } as const;
const opt = { type: 'OPT', name: '.', udpPayloadSize: 4096, flags: 0x8000, options: [] } as const;
const query = (withEdns = false, id = 1) =>
  parseQuery(
    encode({
      type: 'query',
      id,
      flags: 0x100,
      questions: [question],
      ...(withEdns && { additionals: [opt as never] }),
    }),
  );
const lookUp = { ...question, name: 'outside.test' };
const a = (ttl: number, data = '192.0.2.7') => ({ type: 'A', name: 'outside.test', ttl, data }) as const;
const soa = {
  type: 'SOA',
  name: 'test',
  ttl: 300,
  data: { mname: 'ns.test', rname: 'root.test', serial: 1, refresh: 1, retry: 1, expire: 1, minimum: 60 },
} as const;
const answered = (packet: Packet) =>
  parseAnswer(encode({ type: 'response', id: 9, questions: [lookUp], ...packet }));

test('a query is read: name in lower case, flags, EDNS', () => {
  const plain = query();
  assert.deepEqual([plain.name, plain.type, plain.class, plain.edns], ['outside.test', 1, 1, undefined]);
  assert.deepEqual(query(true).edns, { size: 4096, dnssecOk: true, version: 0 });
});

test('what is sent on has the same question, our EDNS and none of the asker’s options', () => {
  const sent = decode(toUpstream(query(true), 77, true)) as Packet & { flag_do?: boolean };
  assert.equal(sent.id, 77);
  assert.equal(sent.questions?.[0]?.name, 'Outside.Test');
  const [extra] = (sent.additionals ?? []) as unknown as { udpPayloadSize: number; flag_do: boolean }[];
  assert.deepEqual([extra?.udpPayloadSize, extra?.flag_do], [1232, true]);
  assert.deepEqual(decode(toUpstream(query(), 77, false)).additionals, []);
});

test('an answer is passed on aged, with the asker’s number, spelling and EDNS', () => {
  const answer = answered({ answers: [a(300), a(60, '192.0.2.8')], additionals: [opt as never] });
  assert.equal(answer.keepSeconds, 60);
  const passed = decode(passOn(answer, query(false, 5), 20));
  assert.equal(passed.id, 5);
  assert.equal(passed.questions?.[0]?.name, 'Outside.Test');
  assert.deepEqual(
    passed.answers?.map((one) => 'ttl' in one && one.ttl),
    [280, 40],
  );
  assert.deepEqual(passed.additionals, []);
  assert.equal(decode(passOn(answer, query(true), 900)).additionals?.length, 1);
  assert.deepEqual(
    decode(passOn(answer, query(), 900)).answers?.map((one) => 'ttl' in one && one.ttl),
    [0, 0],
  );
});

test('that there is none is kept as long as its SOA says, and without one not at all', () => {
  assert.equal(answered({ flags: 3, authorities: [soa] }).keepSeconds, 60);
  assert.equal(answered({ authorities: [{ ...soa, ttl: 5 }] }).keepSeconds, 5);
  assert.equal(answered({ flags: 3 }).keepSeconds, 0);
});

test('a datagram holds what its asker can take; the rest is cut, and said to be', () => {
  const many = Array.from(
    { length: 60 },
    (_, at) => ({ owner: 'question', type: 'A', data: `10.0.0.${at}` }) as const,
  );
  for (const [asked, limit] of [
    [query(), 512],
    [query(true), 1232],
  ] as const) {
    const whole = reply(asked, { rcode: 0, answers: [...many, ...many] });
    assert.equal(decode(whole).answers?.length, 120);
    const cut = fitDatagram(whole, asked);
    assert.ok(cut.length <= limit);
    assert.equal((decode(cut) as { flag_tc?: boolean }).flag_tc, true);
    const small = reply(asked, { rcode: 0, answers: many.slice(0, 2) });
    assert.equal(fitDatagram(small, asked), small);
  }
});

test('noise is refused, never read beyond its end and never without end', () => {
  const real = encode({
    type: 'response',
    id: 9,
    questions: [lookUp],
    answers: [a(300), a(60)],
    authorities: [soa],
  });
  const broken = fc
    .array(fc.tuple(fc.nat(real.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 })
    .map((changes) => {
      const bytes = Buffer.from(real);
      for (const [at, value] of changes) bytes[at] = value;
      return bytes;
    });
  const cut = fc.nat(real.length).map((length) => Buffer.from(real.subarray(0, length)));
  const noise = fc.uint8Array({ maxLength: 600 }).map((bytes) => Buffer.from(bytes));
  fc.assert(
    fc.property(fc.oneof(broken, cut, noise), (bytes) => {
      try {
        const read = parseQuery(bytes);
        fitDatagram(
          reply(read, { rcode: 0, answers: [{ owner: 'question', type: 'A', data: '10.0.0.1' }] }),
          read,
        );
        passOn(parseAnswer(bytes), read, 10);
      } catch (error) {
        assert.ok(error instanceof RangeError, String(error));
      }
    }),
    { numRuns: 2000 },
  );
});
