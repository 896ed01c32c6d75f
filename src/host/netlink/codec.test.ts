import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { addAddress, parseAddress } from './address.ts';
import * as attr from './attributes.ts';
import { formatIp, formatPrefix, parseIp, parsePrefix } from './ip-text.ts';
import { changeLink, formatMac, newVeth, parseLink, parseMac, setUp } from './link.ts';
import { encodeMessage, flag, NetlinkError, outcomeOf, parseMessages } from './message.ts';
import { parseEntry, replaceEntry } from './neighbour.ts';
import { parseRoute, replaceRoute } from './route.ts';

const bytes = (length: number) =>
  fc.uint8Array({ minLength: length, maxLength: length }).map((value) => Buffer.from(value));
const ip = fc.oneof(bytes(4), bytes(16));
const prefix = ip.chain((value) =>
  fc.integer({ min: 0, max: value.length * 8 }).map((length) => ({ bytes: value, length })),
);
const mac = bytes(6).map(formatMac);
const index = fc.integer({ min: 1, max: 0x7fffffff });
const mtu = fc.integer({ min: 68, max: 65535 });

test('attributes come back as they were written, padding or not', () => {
  const list = fc.uniqueArray(
    fc.tuple(fc.integer({ min: 1, max: 0x3fff }), fc.uint8Array({ maxLength: 70 })),
    { selector: ([type]) => type },
  );
  fc.assert(
    fc.property(list, (attributes) => {
      const encoded = Buffer.concat(attributes.map(([type, value]) => attr.bytes(type, value)));
      assert.equal(encoded.length % 4, 0);
      assert.deepEqual(
        [...attr.parseAttributes(encoded)],
        attributes.map(([type, value]) => [type, Buffer.from(value)]),
      );
    }),
  );
});

test('a nested attribute is its children', () => {
  const outer = attr.parseAttributes(attr.nested(18, attr.name(1, 'veth'), attr.u32(4, 1450)));
  const inner = attr.parseAttributes(outer.get(18) ?? Buffer.alloc(0));
  assert.equal(attr.readText(inner.get(1)), 'veth');
  assert.equal(attr.readU32(inner.get(4)), 1450);
});

test('garbage is refused, never read beyond its end', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => {
      for (const parse of [
        attr.parseAttributes,
        parseMessages,
        parseLink,
        parseAddress,
        parseRoute,
        parseEntry,
      ]) {
        try {
          parse(Buffer.from(noise));
        } catch (error) {
          assert.ok(error instanceof RangeError, String(error));
        }
      }
    }),
  );
});

test('messages of one datagram come back in order', () => {
  const payloads = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 6 });
  fc.assert(
    fc.property(payloads, (list) => {
      const parts = list.map((payload, at) => {
        const message = encodeMessage({ type: 16, flags: 5, payload: Buffer.from(payload) }, at);
        return Buffer.concat([message, Buffer.alloc(attr.align(message.length) - message.length)]);
      });
      assert.deepEqual(
        parseMessages(Buffer.concat(parts)),
        list.map((payload, at) => ({ type: 16, flags: 5, sequence: at, payload: Buffer.from(payload) })),
      );
    }),
  );
});

test('entries of a tunnel’s tables come back as they were written', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('neighbours', 'forwarding'),
      index,
      mac,
      ip,
      (table, link, card, destination) => {
        const entry = { index: link, mac: card, destination };
        assert.deepEqual(parseEntry(replaceEntry(table, entry).payload), entry);
      },
    ),
  );
});

test("an error carries the kernel's own sentence", () => {
  const payload = Buffer.alloc(20);
  payload.writeInt32LE(-22, 0);
  payload.writeUInt32LE(36, 4);
  const answer = {
    type: 2,
    flags: flag.capped | flag.ackAttributes,
    sequence: 1,
    payload: Buffer.concat([payload, attr.name(1, 'mtu greater than device maximum')]),
  };
  assert.throws(() => outcomeOf(answer), {
    name: 'NetlinkError',
    errno: 22,
    message: 'invalid argument (EINVAL): mtu greater than device maximum',
  });
  assert.equal(outcomeOf({ type: 2, flags: 0, sequence: 1, payload: Buffer.alloc(4) }), 'done');
  assert.equal(outcomeOf({ type: 16, flags: 0, sequence: 1, payload: Buffer.alloc(4) }), 'more');
  assert.equal(new NetlinkError(9999).message, 'error 9999');
});

test('links come back as they were written', () => {
  const change = fc.record({ mac, mtu, alias: fc.stringMatching(/^[\w .-]{1,60}$/), master: index });
  fc.assert(
    fc.property(index, change, (at, wanted) => {
      const { index: found, ...rest } = parseLink(changeLink(at, wanted).payload);
      assert.equal(found, at);
      assert.deepEqual(rest, { name: '', kind: '', qdisc: '', up: false, ...wanted });
      assert.equal(parseLink(setUp(at, true).payload).up, true);
    }),
  );
});

test('a new veth names its kind and both ends', () => {
  const { payload } = newVeth({
    name: 'p1',
    mtu: 1450,
    mac: '02:00:00:00:00:01',
    peer: { name: 'c1', netnsFd: 7 },
  });
  const { name, kind, mtu: size, mac: address } = parseLink(payload);
  assert.deepEqual([name, kind, size, address], ['p1', 'veth', 1450, '02:00:00:00:00:01']);
  assert.ok(payload.includes('c1\0'));
});

test('addresses and routes come back as they were written', () => {
  fc.assert(
    fc.property(index, prefix, ip, (at, to, via) => {
      assert.deepEqual(parseAddress(addAddress({ index: at, prefix: to }).payload), {
        index: at,
        prefix: to,
      });
      const route = parseRoute(replaceRoute({ to, via, index: at }).payload);
      const zero = Buffer.alloc(to.bytes.length);
      assert.deepEqual(route, { to: to.length === 0 ? { bytes: zero, length: 0 } : to, via, index: at });
    }),
  );
});

test('addresses and MACs come back as text and as bytes', () => {
  fc.assert(fc.property(ip, (value) => assert.deepEqual(parseIp(formatIp(value)), value)));
  fc.assert(fc.property(prefix, (value) => assert.deepEqual(parsePrefix(formatPrefix(value)), value)));
  fc.assert(fc.property(bytes(6), (value) => assert.deepEqual(parseMac(formatMac(value)), value)));
  assert.equal(formatPrefix(parsePrefix('fd00:0::0001/64')), 'fd00::1/64');
  for (const wrong of [
    '10.0.0.1/33',
    '10.0.0/8',
    'fe80::1%eth0/64',
    '::/129',
    '10.0.0.1/24/3',
    '10.0.0.1/',
  ]) {
    assert.throws(() => parsePrefix(wrong), /is not an/, wrong);
  }
  assert.throws(() => parseMac('02:00'), /is not a MAC address/);
});
