import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decode, encode, type RecordType } from 'dns-packet';
import { aNetwork, aPort } from '../../test/helpers/wanted-network.ts';
import { toReverseName } from './addresses.ts';
import { parseQuery, reply } from './message.ts';
import { Zone } from './zone.ts';

const subnet = (id: string, cidr: string, dnsNameservers: string[] = []) => ({
  id,
  cidr,
  ipVersion: cidr.includes(':') ? (6 as const) : (4 as const),
  gatewayIp: null,
  dnsNameservers,
  hostRoutes: [],
});
const named = (name: string, projectId: string, ...addresses: string[]) => ({ name, projectId, addresses });
const network = aNetwork({
  dnsDomain: 'Corp.Example',
  subnets: [
    subnet('v4', '10.0.0.0/24', ['10.0.0.53', '9.9.9.9', 'no address']),
    subnet('v6', 'fd00::/64'),
    subnet('other', '10.1.0.0/24', ['10.0.0.53']),
  ],
  ports: [aPort('10.0.0.7')],
  names: [
    named('web', 'red', '10.0.0.5', 'fd00::5'),
    named('web', 'red', '10.0.0.6'),
    named('Web', 'blue', '10.0.0.9'),
    named('a.b', 'red', '10.0.0.8'),
    named('only6', 'red', 'fd00::66'),
  ],
});
const zone = new Zone(network);

function asked(name: string, type: RecordType | 'ANY' = 'A') {
  const question = { type: type as RecordType, name };
  return parseQuery(encode({ type: 'query', id: 7, questions: [question] }));
}

/** Undefined = not the zone's to answer. */
function answer(name: string, type: RecordType | 'ANY' = 'A', source = '10.0.0.200') {
  const query = asked(name, type);
  const own = zone.answer(query, source);
  if (!own) return undefined;
  const message = decode(reply(query, own)) as ReturnType<typeof decode> & { rcode: string };
  const data = (message.answers ?? []).map((one) => ('data' in one ? String(one.data) : ''));
  const soa = (message.authorities ?? []).map(({ name: owner, type: kind }) => `${kind} ${owner}`);
  return { rcode: message.rcode, data: data.sort(), soa };
}

const found = (...data: string[]) => ({ rcode: 'NOERROR', data, soa: [] });

test('names are found bare and under the domain, whatever their case, with all addresses of all their ports', () => {
  const all = ['10.0.0.5', '10.0.0.6', '10.0.0.9'];
  for (const name of ['web', 'WEB', 'web.corp.example', 'Web.CORP.example']) {
    assert.deepEqual(answer(name), found(...all), name);
  }
  assert.deepEqual(answer('web', 'AAAA'), found('fd00::5'));
  assert.deepEqual(answer('web', 'ANY')?.data, [...all, 'fd00::5'].sort());
  assert.deepEqual(answer('a.b.corp.example'), found('10.0.0.8'));
});

test('an asker’s own project comes first', () => {
  assert.deepEqual(answer('web', 'A', '10.0.0.9'), found('10.0.0.9'));
  assert.deepEqual(answer('web', 'A', 'fd00::5'), found('10.0.0.5', '10.0.0.6'));
  assert.deepEqual(answer('only6', 'AAAA', '10.0.0.9'), found('fd00::66'), 'another’s, when there is none');
});

test('no such name and nothing of that type differ, and both say how long that holds', () => {
  const soa = ['SOA corp.example'];
  assert.deepEqual(answer('nobody.corp.example'), { rcode: 'NXDOMAIN', data: [], soa });
  assert.deepEqual(answer('x.web.corp.example'), { rcode: 'NXDOMAIN', data: [], soa });
  assert.deepEqual(answer('web.corp.example', 'MX'), { rcode: 'NOERROR', data: [], soa });
  assert.deepEqual(answer('only6.corp.example'), { rcode: 'NOERROR', data: [], soa });
  assert.deepEqual(answer('b.corp.example'), { rcode: 'NOERROR', data: [], soa }, 'something is below it');
  assert.deepEqual(answer('corp.example'), { rcode: 'NOERROR', data: [], soa });
  assert.equal(answer('corp.example', 'SOA')?.rcode, 'NOERROR');
  assert.equal(answer('nobody')?.rcode, 'NXDOMAIN', 'a bare name is nobody’s outside');
});

test('addresses have names: the port’s, or made of the address', () => {
  const nameOf = (address: string) => answer(toReverseName(address), 'PTR');
  assert.deepEqual(nameOf('10.0.0.5'), found('web.corp.example'));
  assert.deepEqual(nameOf('fd00::66'), found('only6.corp.example'));
  assert.deepEqual(nameOf('10.0.0.7'), found('host-10-0-0-7.corp.example'));
  assert.deepEqual(answer('host-10-0-0-7.corp.example'), found('10.0.0.7'));
  assert.equal(nameOf('10.0.0.77')?.rcode, 'NXDOMAIN');
  assert.deepEqual(nameOf('10.0.0.77')?.soa, ['SOA in-addr.arpa']);
  assert.equal(answer(toReverseName('10.0.0.5'), 'A')?.rcode, 'NOERROR');
  assert.equal(nameOf('192.0.2.1'), undefined, 'another’s to answer');
  for (const odd of ['10.in-addr.arpa', '1.2.3.4.5.in-addr.arpa', '999.0.0.10.in-addr.arpa', 'x.ip6.arpa']) {
    assert.equal(answer(odd, 'PTR'), undefined, odd);
  }
});

test('everything else is somebody else’s', () => {
  for (const name of ['example.org', 'corp.example.org', 'notcorp.example', 'web.example']) {
    assert.equal(answer(name), undefined, name);
  }
  assert.equal(answer('org', 'NS'), undefined);
  assert.equal(answer('.', 'NS'), undefined);
});

test('a label with a dot in it is not two labels', () => {
  const message = Buffer.from(
    encode({ type: 'query', id: 7, questions: [{ type: 'A', name: 'web.corp.example' }] }),
  );
  message[12] = 8;
  message[16] = '.'.charCodeAt(0);
  assert.equal(parseQuery(message).name, 'web\\046corp.example');
});

test('the servers are those of the asker’s subnet, without those inside of the network', () => {
  assert.deepEqual(zone.serversFor('10.0.0.7'), ['9.9.9.9']);
  assert.deepEqual(zone.serversFor('10.1.0.7'), [], 'only the container can reach it');
  assert.equal(zone.serversFor('fd00::7'), undefined);
  assert.equal(zone.serversFor('192.0.2.1'), undefined);
});

test('a network without a domain has bare names', () => {
  const plain = new Zone({ ...network, dnsDomain: '' });
  const query = asked('web');
  assert.equal(plain.answer(query, '10.0.0.9')?.answers?.[0]?.data, '10.0.0.9');
  assert.equal(plain.answer(asked('web.corp.example'), '10.0.0.9'), undefined);
  assert.equal(plain.answer(asked(toReverseName('10.0.0.9'), 'PTR'), '')?.answers?.[0]?.data, 'web');
});
