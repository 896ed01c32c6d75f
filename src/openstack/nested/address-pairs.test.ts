/** Against a small working model of a port with a revision, as Neutron's extension `revision-if-match` keeps it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { ServiceRequest, Session } from '../../client/session.ts';
import { Failure, isFailure } from '../../model/failure.ts';
import type { PortView } from '../../wire/network-service.ts';
import { AddressPairs } from './address-pairs.ts';

const machine = { id: 'vm', networkId: 'net', link: 'eth0' };
const port = (n: number): PortView =>
  ({
    id: `p${n}`,
    network_id: 'net',
    mac_address: `FA:16:3E:00:00:${n.toString(16).padStart(2, '0')}`,
    fixed_ips: [
      { subnet_id: 's4', ip_address: `10.0.0.${n}` },
      { subnet_id: 's6', ip_address: `fd00::${n}` },
    ],
  }) as unknown as PortView;

interface Pair {
  readonly ip_address: string;
  readonly mac_address: string;
}

class MachineModel implements Pick<Session, 'request'> {
  revision = 1;
  pairs: Pair[] = [{ ip_address: '10.0.0.250', mac_address: 'fa:16:3e:ff:ff:ff' }];
  writes = 0;

  async request<T>(_: string, { method, headers, body }: ServiceRequest): Promise<T> {
    await turn();
    if (method === 'PUT') {
      this.writes += 1;
      if (headers?.['if-match'] !== `revision_number=${this.revision}`) {
        throw new Failure('precondition-failed', 'another revision');
      }
      this.pairs = (body as { port: { allowed_address_pairs: Pair[] } }).port.allowed_address_pairs;
      this.revision += 1;
    }
    return { port: { revision_number: this.revision, allowed_address_pairs: this.pairs } } as T;
  }
}

test('of many that come and go at once, of two processes, no address is lost and none is left', async () => {
  const model = new MachineModel();
  const before = [...model.pairs];
  const [one, two] = [new AddressPairs(model, machine), new AddressPairs(model, machine)];
  const ports = Array.from({ length: 50 }, (_, n) => port(n + 1));
  await Promise.all(ports.map((each, n) => (n % 2 === 0 ? one : two).attach(each)));
  assert.equal(model.pairs.length, 101);
  for (const each of ports) assert.equal(await one.has(each), true);
  await Promise.all(ports.map((each, n) => (n % 2 === 0 ? two : one).detach(each)));
  assert.deepEqual(model.pairs, before);
});

test('twice is as good as once, and writes nothing', async () => {
  const model = new MachineModel();
  const pairs = new AddressPairs(model, machine);
  await pairs.attach(port(1));
  await pairs.attach(port(1));
  await pairs.detach(port(2));
  assert.equal(model.writes, 1);
  assert.equal(await pairs.has(port(2)), false);
});

test('only the machine’s own network will do, and the option that says it is told', async () => {
  const pairs = new AddressPairs(new MachineModel(), machine);
  await assert.rejects(
    pairs.attach({ ...port(1), network_id: 'other' }),
    (error) => isFailure(error, 'port-not-usable') && /on network other/.test(error.message),
  );
  assert.throws(
    () => pairs.checkNewNetwork(),
    (error) => isFailure(error, 'invalid-parameter-value') && /-o neutron\.net\.uuid=net/.test(error.message),
  );
});
