import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as attr from './attributes.ts';
import { deleteConnection, parseConnection } from './conntrack.ts';
import { parseIp } from './ip-text.ts';

const port = (value: number) => Buffer.of(value >> 8, value & 0xff);

function tuple(type: number, from: string, to: string): Buffer {
  return attr.nested(
    type,
    attr.nested(1, attr.bytes(1, parseIp(from)), attr.bytes(2, parseIp(to))),
    attr.nested(2, attr.u8(1, 6), attr.bytes(2, port(1000)), attr.bytes(3, port(80))),
  );
}

const header = Buffer.of(2, 0, 0, 0);
const original = tuple(1, '198.51.100.2', '172.24.4.101');
const reply = tuple(2, '10.0.0.11', '198.51.100.2');
const id = attr.bytes(12, Buffer.of(1, 2, 3, 4));

test('a connection is read with what was translated, and named by what came', () => {
  const status = attr.bytes(3, Buffer.of(0, 0, 0, 0x20 | 0x0e));
  const connection = parseConnection(Buffer.concat([header, original, reply, status, id]));
  assert.ok(connection);
  assert.deepEqual([connection.isSourceTranslated, connection.isDestinationTranslated], [false, true]);
  const { source, destination, sourcePort, destinationPort, protocol } = connection.original;
  assert.deepEqual([source, destination], [parseIp('198.51.100.2'), parseIp('172.24.4.101')]);
  assert.deepEqual([protocol, sourcePort, destinationPort], [6, 1000, 80]);
  assert.deepEqual(deleteConnection(connection).payload, Buffer.concat([header, original, id]));
});

test('one that is just being made or unmade is left out', () => {
  assert.equal(parseConnection(Buffer.concat([header, original])), undefined);
});
