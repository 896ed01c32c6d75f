/**
 * Containers' ports as sub-ports of the machine's trunk: each has a VLAN of the machine's interface, whose number only the
 * trunk and this machine know, and any network that fits the trunk's MTU.
 * Contract: https://docs.openstack.org/api-ref/network/v2/#trunk-networking
 */
import { KeyedQueue } from '../../base/keyed-queue.ts';
import type { Session } from '../../client/session.ts';
import type { KernelStep } from '../../host/kernel.ts';
import { Failure, isFailure } from '../../model/failure.ts';
import type { PortView } from '../../wire/network-service.ts';
import { linkNames } from '../binding/link-names.ts';
import type { BindingPort } from '../binding/port-binding.ts';
import { isPassing, retrying } from '../retry.ts';
import type { Attachment, MachinePort } from './attachment.ts';

interface SubPort {
  readonly port_id: string;
  readonly segmentation_type: string;
  readonly segmentation_id: number;
}

/** The tag has twelve bits; 0 and 4095 mean something else. */
const lastVlan = 4094;
/** Others may add to the trunk at the same time, and take the number that was free a moment ago. */
const attempts = 5;
const waitsMs = [200, 1000];

export class Trunk implements Attachment {
  readonly kind = 'vlan';
  readonly machine: MachinePort;
  readonly #session: Pick<Session, 'request'>;
  readonly #path: string;
  /** Numbers are chosen one after the other. */
  readonly #queue = new KeyedQueue();

  private constructor(session: Pick<Session, 'request'>, machine: MachinePort, id: string) {
    this.#session = session;
    this.machine = machine;
    this.#path = `/trunks/${id}`;
  }

  /** Throws `port-not-usable` when the machine's port has no trunk. */
  static async find(session: Pick<Session, 'request'>, machine: MachinePort): Promise<Trunk> {
    const request = { method: 'GET', path: '/trunks', query: { port_id: machine.id } };
    const ask = () => session.request<{ trunks: { id: string }[] }>('network', request);
    const [trunk] = (await retrying(ask, { waitsMs, isWorthwhile: isPassing })).trunks;
    if (trunk) return new Trunk(session, machine, trunk.id);
    throw new Failure(
      'port-not-usable',
      `port ${machine.id} (interface ${machine.link}) is the parent of no trunk: ` +
        `openstack network trunk create --parent-port ${machine.id} NAME`,
    );
  }

  async attach({ id }: PortView): Promise<void> {
    await this.#queue.run(this.#path, async () => {
      for (let attempt = 1; ; attempt += 1) {
        const there = await this.#subPorts();
        if (there.some(({ port_id }) => port_id === id)) return;
        const segment = freeVlan(there);
        try {
          await this.#change('add_subports', {
            port_id: id,
            segmentation_type: 'vlan',
            segmentation_id: segment,
          });
          return;
        } catch (error) {
          if (!isFailure(error) || error.status !== 409 || attempt === attempts) throw error;
        }
      }
    });
  }

  async detach({ id }: PortView): Promise<void> {
    try {
      await this.#change('remove_subports', { port_id: id });
    } catch (error) {
      if (!isFailure(error) || error.status !== 404) throw error;
    }
  }

  async has({ id }: PortView): Promise<boolean> {
    return (await this.#subPorts()).some(({ port_id }) => port_id === id);
  }

  async linkSteps({ id, mtu, macAddress: mac }: BindingPort, alias: string): Promise<KernelStep[]> {
    const sub = (await this.#subPorts()).find(({ port_id }) => port_id === id);
    const parent = this.machine.link;
    if (!sub) throw new Failure('port-not-usable', `port ${id} is no sub-port of the trunk of ${parent}`);
    const name = linkNames(id).container;
    return [
      // One of an earlier attempt may have another number.
      { do: 'delete-link', name },
      { do: 'ensure-vlan', name, parent, id: sub.segmentation_id, alias },
      { do: 'set-link', name, mtu, mac },
    ];
  }

  async #subPorts(): Promise<readonly SubPort[]> {
    const request = { method: 'GET', path: `${this.#path}/get_subports` };
    const ask = () => this.#session.request<{ sub_ports: SubPort[] }>('network', request);
    return (await retrying(ask, { waitsMs, isWorthwhile: isPassing })).sub_ports;
  }

  async #change(action: 'add_subports' | 'remove_subports', subPort: object): Promise<void> {
    const request = { method: 'PUT', path: `${this.#path}/${action}`, body: { sub_ports: [subPort] } };
    await this.#session.request('network', request);
  }
}

function freeVlan(taken: readonly SubPort[]): number {
  const numbers = new Set(taken.map(({ segmentation_id }) => segmentation_id));
  for (let vlan = 1; vlan <= lastVlan; vlan += 1) if (!numbers.has(vlan)) return vlan;
  throw new Failure('conflict', `the machine's trunk has all of its ${lastVlan} sub-ports already`);
}
