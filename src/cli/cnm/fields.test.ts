import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UsageError } from '../usage-error.ts';
import { pairs, toPort, toPublish } from './fields.ts';

test('ports to publish in every form', () => {
  const rows = [
    ['80', null, null, 80, 'tcp'],
    ['8080:80', null, 8080, 80, 'tcp'],
    ['53:53/udp', null, 53, 53, 'udp'],
    ['127.0.0.1:8080:80', '127.0.0.1', 8080, 80, 'tcp'],
    ['127.0.0.1::80', '127.0.0.1', null, 80, 'tcp'],
    ['127.0.0.1:80', '127.0.0.1', null, 80, 'tcp'],
    ['[::1]:8080:80/sctp', '::1', 8080, 80, 'sctp'],
  ] as const;
  for (const [text, hostAddress, hostPort, containerPort, protocol] of rows) {
    assert.deepEqual(toPublish(text), { hostAddress, hostPort, containerPort, protocol }, text);
  }
});

test('what is no port, publication or pair is refused', () => {
  for (const text of ['', 'x', '0', '65536', '80/icmp', '80/tcp/udp', '-1', '1e3']) {
    assert.throws(() => toPort(text), UsageError, text);
  }
  for (const text of [
    '',
    ':',
    '80:',
    '::1:8080:80',
    'host:8080:80',
    '0:80',
    '70000:80',
    '80:80/x',
    '1:2:3:4',
  ]) {
    assert.throws(() => toPublish(text), UsageError, text);
  }
  assert.throws(() => pairs('--opt', ['=x']), UsageError);
  assert.deepEqual(pairs('--opt', ['a=b=c', 'flag']), { a: 'b=c', flag: '' });
});
