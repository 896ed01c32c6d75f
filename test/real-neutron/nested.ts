/**
 * Containers within a virtual machine, on a real Neutron. The machine's interface is a port whose other end the agent wires.
 * VLANs are only told to a kernel in memory, because not every kernel has them; macvlans are real, with dockerd.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Session } from '../../src/client/session.ts';
import { FakeKernel } from '../../src/host/fake.ts';
import type { KernelStep } from '../../src/host/kernel.ts';
import { neutronService } from '../../src/openstack/network-service.ts';
import type { PortView } from '../../src/wire/network-service.ts';
import { createNetwork, removeNetwork, startContainer, stopContainer } from '../helpers/docker-flows.ts';
import { serveKuryrAlone } from '../helpers/kuryr-alone.ts';
import { credentialsOf } from '../helpers/openstack/identity.ts';
import type { NeutronWorld } from '../helpers/openstack/neutron-world.ts';
import { until } from '../helpers/until.ts';

/** Whose log-in is in the machine: a user that has to be there. */
export const owner = 'owner';
/** A group that lets in pings, of whichever project. */
const pingable = 'pingable';
const id = (digit: string) => digit.repeat(64);

/** A network with the port of a virtual machine, both of somebody who is no administrator. */
class VirtualMachine implements AsyncDisposable {
  readonly world: NeutronWorld;
  readonly networkId: string;
  readonly groupId: string;
  readonly port: PortView;
  /** Of its owner. */
  readonly session: Session;

  private constructor(parts: Pick<VirtualMachine, 'world' | 'networkId' | 'groupId' | 'port' | 'session'>) {
    this.world = parts.world;
    this.networkId = parts.networkId;
    this.groupId = parts.groupId;
    this.port = parts.port;
    this.session = parts.session;
  }

  static async create(world: NeutronWorld): Promise<VirtualMachine> {
    const session = new Session({ credentials: credentialsOf(owner) });
    const service = neutronService({ session });
    const network = await service.create('networks', { name: 'machines' });
    await service.create('subnets', { network_id: network.id, ip_version: 4, cidr: '10.90.0.0/24' });
    const port = await service.create('ports', { network_id: network.id, name: 'machine' });
    const admin = world.neutron.service;
    const group = await admin.create('security-groups', { name: pingable });
    const rule = { direction: 'ingress', ethertype: 'IPv4', protocol: 'icmp' };
    await admin.create('security-group-rules', { ...rule, security_group_id: group.id });
    const wired = { 'binding:host_id': world.neutron.host, security_groups: [group.id] };
    await admin.update('ports', port.id, wired);
    return new VirtualMachine({ world, networkId: network.id, groupId: group.id, port, session });
  }

  /** Its interface, as the machine and as the agent see it. */
  async plug(link: string): Promise<void> {
    const tap = `tap${this.port.id.slice(0, 11)}`;
    const pair = ['link', 'add', link, 'address', this.port.mac_address, 'type', 'veth', 'peer', 'name', tap];
    await this.world.machine.must('ip', [...pair.slice(0, 3), 'mtu', '1450', ...pair.slice(3)]);
    for (const name of [link, tap]) await this.world.machine.must('ip', ['link', 'set', name, 'up']);
    await until('the agent has wired the machine', async () => {
      const { status } = await this.world.neutron.service.get('ports', this.port.id);
      return status === 'ACTIVE';
    });
  }

  /** `allowed_address_pairs` of its port. */
  async pairs(): Promise<{ ip_address: string; mac_address: string }[]> {
    const port = await this.world.neutron.service.get('ports', this.port.id);
    return port.allowed_address_pairs as unknown as { ip_address: string; mac_address: string }[];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.world.machine.exec('ip', ['link', 'delete', `tap${this.port.id.slice(0, 11)}`]);
    await this.world.neutron.service.remove('ports', this.port.id);
    await this.world.neutron.service.remove('networks', this.networkId);
    await this.world.neutron.service.remove('security-groups', this.groupId);
  }
}

/** Notes the steps that make VLANs. */
class NotingKernel extends FakeKernel {
  readonly vlans: KernelStep[] = [];

  override apply(steps: readonly KernelStep[]): Promise<void> {
    this.vlans.push(...steps.filter((step) => step.do === 'ensure-vlan'));
    return super.apply(steps);
  }
}

interface Trunk {
  readonly id: string;
  readonly sub_ports: readonly { readonly port_id: string; readonly segmentation_id: number }[];
}

export function testNested(getWorld: () => NeutronWorld): void {
  test('containers in a virtual machine are sub-ports of its trunk, each with a VLAN of its own, and go with them', async () => {
    const world = getWorld();
    await using vm = await VirtualMachine.create(world);
    const ask = <T>(method: string, path: string, body?: object) =>
      vm.session.request<T>('network', { method, path, body });
    const { trunk } = await ask<{ trunk: Trunk }>('POST', '/trunks', { trunk: { port_id: vm.port.id } });
    const subPorts = async () => (await ask<Trunk>('GET', `/trunks/${trunk.id}/get_subports`)).sub_ports;
    const kernel = new NotingKernel();
    const pair = { do: 'ensure-veth', name: 'eth0', mtu: 1450, peer: { name: 'outside' } } as const;
    await kernel.apply([{ ...pair, mac: vm.port.mac_address }]);
    const nested = { kind: 'vlan', link: 'eth0' } as const;
    try {
      await serveKuryrAlone(
        { kernel, credentials: credentialsOf(owner), name: 'machine', nested },
        async (alone) => {
          const network = await createNetwork(alone, { id: id('a'), subnets: [{ pool: '10.91.0.0/24' }] });
          const wanted = ['1', '2'].map((digit) => ({
            endpointId: id(digit),
            mac: `02:42:00:00:00:0${digit}`,
          }));
          const started = await Promise.all(wanted.map((each) => startContainer(alone, network, each)));
          const there = await subPorts();
          assert.deepEqual(there.map((each) => each.segmentation_id).sort(), [1, 2]);
          for (const { endpointId } of wanted) {
            const [port] = await world.neutron.service.list('ports', { device_id: endpointId });
            assert.ok(port);
            const name = `t_c${port.id.slice(0, 11)}`;
            const segment = there.find((each) => each.port_id === port.id)?.segmentation_id;
            const alias = `kuryr vlan ${port.id} ${endpointId}`;
            assert.deepEqual(
              kernel.vlans.find((step) => 'name' in step && step.name === name),
              { do: 'ensure-vlan', name, parent: 'eth0', id: segment, alias },
            );
            // As Neutron does when the agent of the machine's host wires the trunk.
            const bound = { device_owner: 'trunk:subport', 'binding:host_id': world.neutron.host };
            await world.neutron.service.update('ports', port.id, bound);
          }
          await alone.restart();
          assert.deepEqual(await alone.sweep(), []);
          const [first, forgotten] = started;
          assert.ok(first && forgotten);
          await stopContainer(alone, network, first);
          alone.host.endpoints.delete(forgotten.endpointId);
          assert.deepEqual(
            (await alone.sweep()).map(({ kind }) => kind),
            ['port'],
          );
          assert.deepEqual(await subPorts(), []);
          await removeNetwork(alone, network);
        },
      );
    } finally {
      await ask('DELETE', `/trunks/${trunk.id}`);
    }
  });

  test('containers in a virtual machine are more addresses of its port, which the agent lets pass, and go with them', async () => {
    const world = getWorld();
    const { service } = world.neutron;
    await using vm = await VirtualMachine.create(world);
    await vm.plug('vm0');
    const trunkless = await world.refusalOfKuryr(owner, ['--nested', 'vlan', '--link', 'vm0']);
    assert.match(trunkless, new RegExp(`trunk create --parent-port ${vm.port.id}`));
    const stranger = await world.refusalOfKuryr(owner, ['--nested', 'macvlan', '--link', 'docker0']);
    assert.match(stranger, /no port of Neutron has the MAC address \S+ of interface docker0/);
    const adopt = ['--subnet', '10.90.0.0/24', '-o', `neutron.net.uuid=${vm.networkId}`];
    const nested = await world.startKuryr('nested', owner, [
      '--host',
      'machine',
      '--nested',
      'macvlan',
      '--link',
      'vm0',
    ]);
    try {
      await assert.rejects(
        world.createNetwork('nested', 'other', '--subnet', '10.92.0.0/24'),
        (error: Error) => error.message.includes(`-o neutron.net.uuid=${vm.networkId}`),
      );
      await world.createNetwork('nested', 'within', ...adopt);
      await world.createNetwork('kuryr', 'beside', ...adopt, '-o', `berth.security-groups=${pingable}`);
      for (const name of ['one', 'two']) await world.startContainer(name, 'within');
      await world.startContainer('three', 'beside');
      const pairs = await vm.pairs();
      for (const name of ['one', 'two']) {
        const ip_address = await world.addressOf(name, 'within');
        const mac_address = await world.addressOf(name, 'within', 'MacAddress');
        assert.ok(pairs.some((pair) => pair.ip_address === ip_address && pair.mac_address === mac_address));
      }
      assert.equal(pairs.length, 2);
      const address = await world.addressOf('three', 'beside');
      const ping = async (from: string, to: string) =>
        (await world.machine.docker('exec', from, 'ping', '-c', '1', '-W', '2', to)).code === 0;
      await until('the agent lets the container out', () => ping('one', address));
      await until('and in', async () => ping('three', await world.addressOf('two', 'within')));
      assert.equal(await ping('one', await world.addressOf('two', 'within')), true);
      // What the port does not have does not pass: it is the agent that decides.
      await service.update('ports', vm.port.id, { allowed_address_pairs: [] });
      await until('the agent lets nothing out', async () => !(await ping('one', address)));
    } finally {
      await world.clear(['one', 'two', 'three'], ['within', 'beside']);
      process.kill(await nested.pid(), 'SIGTERM');
      await nested.exited;
    }
    assert.deepEqual(await vm.pairs(), []);
  });
}
