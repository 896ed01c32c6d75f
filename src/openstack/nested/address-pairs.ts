/**
 * Containers' ports as more addresses of the machine's port (`allowed_address_pairs`): each container is a macvlan of the
 * machine's interface, on the machine's own network. The ports themselves only keep the addresses.
 *
 * The list is changed by reading and writing it whole, so a write says which revision it is of: of two at once one is repeated.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { KeyedQueue } from '../../base/keyed-queue.ts';
import type { Session } from '../../client/session.ts';
import type { KernelStep } from '../../host/kernel.ts';
import { Failure, isFailure } from '../../model/failure.ts';
import type { PortView } from '../../wire/network-service.ts';
import { linkNames } from '../binding/link-names.ts';
import type { BindingPort } from '../binding/port-binding.ts';
import { isPassing, retrying } from '../retry.ts';
import type { Attachment, MachinePort } from './attachment.ts';

interface Pair {
  readonly ip_address: string;
  readonly mac_address: string;
}

interface MachineView {
  readonly revision_number: number;
  readonly allowed_address_pairs: readonly Pair[];
}

/** Other machines do not write to this one's port, but other processes of this machine may. */
const attempts = 10;
const waitsMs = [200, 1000];

export class AddressPairs implements Attachment {
  readonly kind = 'macvlan';
  readonly machine: MachinePort;
  readonly #session: Pick<Session, 'request'>;
  readonly #queue = new KeyedQueue();

  constructor(session: Pick<Session, 'request'>, machine: MachinePort) {
    this.#session = session;
    this.machine = machine;
  }

  checkNewNetwork(): void {
    const { networkId, link } = this.machine;
    throw new Failure(
      'invalid-parameter-value',
      `with --nested macvlan containers are on the network of the machine's interface ${link}: ` +
        `docker network create -o neutron.net.uuid=${networkId} …`,
    );
  }

  async attach(port: PortView): Promise<void> {
    if (port.network_id !== this.machine.networkId) {
      throw new Failure(
        'port-not-usable',
        `port ${port.id} is on network ${port.network_id}, the machine's interface ${this.machine.link} on ${this.machine.networkId}`,
      );
    }
    await this.#change((pairs) => [
      ...pairs,
      ...pairsOf(port).filter((pair) => !pairs.some((each) => isSame(each, pair))),
    ]);
  }

  async detach(port: PortView): Promise<void> {
    const gone = pairsOf(port);
    await this.#change((pairs) => pairs.filter((pair) => !gone.some((each) => isSame(each, pair))));
  }

  async has(port: PortView): Promise<boolean> {
    const { allowed_address_pairs: pairs } = await this.#get();
    return pairsOf(port).some((pair) => pairs.some((each) => isSame(each, pair)));
  }

  async linkSteps({ id, mtu, macAddress: mac }: BindingPort, alias: string): Promise<KernelStep[]> {
    const name = linkNames(id).container;
    return [{ do: 'ensure-macvlan', name, parent: this.machine.link, mode: 'bridge', mtu, mac, alias }];
  }

  async #get(): Promise<MachineView> {
    const request = { method: 'GET', path: `/ports/${this.machine.id}` };
    const ask = () => this.#session.request<{ port: MachineView }>('network', request);
    return (await retrying(ask, { waitsMs, isWorthwhile: isPassing })).port;
  }

  /** Does nothing when nothing changes. */
  #change(work: (pairs: readonly Pair[]) => readonly Pair[]): Promise<void> {
    return this.#queue.run(this.machine.id, async () => {
      for (let attempt = 1; ; attempt += 1) {
        const { revision_number: revision, allowed_address_pairs: before } = await this.#get();
        const pairs = work(before);
        if (pairs.length === before.length) return;
        try {
          await this.#put(pairs, revision);
          return;
        } catch (error) {
          if (!isFailure(error) || error.status !== 412 || attempt === attempts) throw error;
          await sleep(Math.random() * 50 * attempt);
        }
      }
    });
  }

  async #put(pairs: readonly Pair[], revision: number): Promise<void> {
    await this.#session.request('network', {
      method: 'PUT',
      path: `/ports/${this.machine.id}`,
      headers: { 'if-match': `revision_number=${revision}` },
      body: {
        port: {
          allowed_address_pairs: pairs.map(({ ip_address, mac_address }) => ({ ip_address, mac_address })),
        },
      },
    });
  }
}

function pairsOf({ fixed_ips, mac_address }: PortView): Pair[] {
  return fixed_ips.map(({ ip_address }) => ({ ip_address, mac_address }));
}

function isSame(one: Pair, other: Pair): boolean {
  return (
    one.ip_address === other.ip_address && one.mac_address.toLowerCase() === other.mac_address.toLowerCase()
  );
}
