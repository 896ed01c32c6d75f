/** Against a small working model of a trunk; test/real-neutron has the real one. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { ServiceRequest, Session } from '../../client/session.ts';
import { Failure, isFailure } from '../../model/failure.ts';
import type { PortView } from '../../wire/network-service.ts';
import { Trunk } from './trunk.ts';

const machine = { id: 'vm', networkId: 'net', link: 'eth0' };
const port = (id: string) => ({ id }) as PortView;

interface SubPort {
  readonly port_id: string;
  readonly segmentation_id: number;
}

class TrunkModel implements Pick<Session, 'request'> {
  trunks: { id: string }[] = [{ id: 't' }];
  subPorts: SubPort[] = [];
  refusals = 0;

  async request<T>(_: string, { path, body }: ServiceRequest): Promise<T> {
    await turn();
    const [asked] = (body as { sub_ports: SubPort[] } | undefined)?.sub_ports ?? [];
    if (path === '/trunks') return { trunks: this.trunks } as T;
    if (path === '/trunks/t/add_subports' && asked) {
      if (this.subPorts.some((each) => each.segmentation_id === asked.segmentation_id)) {
        this.refusals += 1;
        throw new Failure('conflict', 'the segmentation id is in use');
      }
      this.subPorts.push(asked);
    } else if (path === '/trunks/t/remove_subports' && asked) {
      const left = this.subPorts.filter((each) => each.port_id !== asked.port_id);
      if (left.length === this.subPorts.length) throw new Failure('resource-not-found', 'no such sub-port');
      this.subPorts = left;
    }
    return { sub_ports: [...this.subPorts] } as T;
  }
}

test('each port has a VLAN of its own, also when another process takes the next one at the same time', async () => {
  const model = new TrunkModel();
  const [one, two] = [await Trunk.find(model, machine), await Trunk.find(model, machine)];
  await Promise.all(['a', 'b', 'c', 'd'].map((id, n) => (n % 2 === 0 ? one : two).attach(port(id))));
  assert.ok(model.refusals > 0);
  assert.deepEqual(model.subPorts.map((each) => each.segmentation_id).sort(), [1, 2, 3, 4]);
  await one.detach(port('b'));
  await one.attach(port('e'));
  assert.equal(model.subPorts.length, 4);
  assert.equal(new Set(model.subPorts.map((each) => each.segmentation_id)).size, 4);
});

test('twice is as good as once, and a port that was never attached is detached', async () => {
  const model = new TrunkModel();
  const trunk = await Trunk.find(model, machine);
  await trunk.attach(port('a'));
  await trunk.attach(port('a'));
  assert.deepEqual([model.subPorts.length, await trunk.has(port('a'))], [1, true]);
  for (const id of ['a', 'a', 'b']) await trunk.detach(port(id));
  assert.deepEqual(model.subPorts, []);
});

test('the container’s interface is the VLAN of its sub-port on the machine’s interface', async () => {
  const model = new TrunkModel();
  const trunk = await Trunk.find(model, machine);
  model.subPorts = [{ port_id: '33333333-3333-4333-8333-333333333333', segmentation_id: 7 }];
  const bound = {
    id: '33333333-3333-4333-8333-333333333333',
    networkId: 'n',
    macAddress: 'fa:16:3e:01:02:03',
    mtu: 1450,
    endpointId: 'e'.repeat(64),
    details: {},
  };
  assert.deepEqual(await trunk.linkSteps(bound, 'whose'), [
    { do: 'delete-link', name: 't_c33333333-33' },
    { do: 'ensure-vlan', name: 't_c33333333-33', parent: 'eth0', id: 7, alias: 'whose' },
    { do: 'set-link', name: 't_c33333333-33', mtu: 1450, mac: 'fa:16:3e:01:02:03' },
  ]);
  await assert.rejects(
    trunk.linkSteps({ ...bound, id: 'other' }, 'whose'),
    (error) => isFailure(error, 'port-not-usable') && /no sub-port of the trunk of eth0/.test(error.message),
  );
});

test('a machine without a trunk, and one whose trunk is full, are told so', async () => {
  const model = new TrunkModel();
  const trunk = await Trunk.find(model, machine);
  model.subPorts = Array.from({ length: 4094 }, (_, n) => ({ port_id: `${n}`, segmentation_id: n + 1 }));
  await assert.rejects(trunk.attach(port('a')), /all of its 4094 sub-ports/);
  model.trunks = [];
  await assert.rejects(
    Trunk.find(model, machine),
    (error) => isFailure(error, 'port-not-usable') && /--parent-port vm/.test(error.message),
  );
});
