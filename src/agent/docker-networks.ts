/**
 * The Docker networks that stand for wanted networks on this host, made when the first container needs one and
 * removed when nobody does.
 *
 * One queue per network: creations by several containers at once become one, and a removal looks once more, in
 * its turn, whether somebody needs the network after all. A stopped container does not hold its network in Docker,
 * so who needs it is asked of the wanted state, never of Docker.
 */
import { KeyedQueue } from '../base/keyed-queue.ts';
import type { Log } from '../base/log.ts';
import type { Engine, EngineNetwork, NetworkBody } from '../docker/engine.ts';
import type { Nic } from '../model/container.ts';
import { Failure, isFailure } from '../model/failure.ts';
import { dockerLabels } from '../model/host-names.ts';
import type { WantedNetwork } from '../wire/host-network.ts';
import { nicNetworkName, toNetworkBody } from './network-body.ts';

export interface DockerNetworksOptions {
  readonly engine: Engine;
  readonly instance: string;
  /** Name of our network driver, as dockerd knows it. */
  readonly driver: string;
  readonly log: Log;
}

export class DockerNetworks {
  readonly #options: DockerNetworksOptions;
  readonly #queue = new KeyedQueue();
  /** Names of networks that were seen in Docker; forgotten whenever that may have changed unseen. */
  readonly #known = new Set<string>();

  constructor(options: DockerNetworksOptions) {
    this.#options = options;
  }

  nameOf(nic: Nic): string {
    return nicNetworkName(this.#options.instance, nic);
  }

  /** Whether a Docker network of this name stands for one of our networks. */
  isOurs(name: string): boolean {
    return name.startsWith(`berth-${this.#options.instance}-`);
  }

  /** The Docker network that the port joins is there when this resolves. */
  async ensure(network: WantedNetwork, nic: Nic): Promise<void> {
    const name = this.nameOf(nic);
    if (this.#known.has(name)) return;
    await this.#queue.run(network.id, async () => {
      if (this.#known.has(name)) return;
      await this.#make(toNetworkBody(network, nic, this.#options));
      this.#known.add(name);
    });
  }

  /** Removes all that stand for the network, unless `isNeeded` says otherwise in its turn; returns whether they are gone. */
  removeUnless(networkId: string, isNeeded: () => boolean): Promise<boolean> {
    return this.#queue.run(networkId, async () => {
      if (isNeeded()) return false;
      for (const { id, name } of await this.#ours(networkId)) {
        this.#known.delete(name);
        await this.#options.engine.removeNetwork(id);
      }
      return true;
    });
  }

  /** After Docker was away, or when it says that a network is not there: look again. */
  forgetAll(): void {
    this.#known.clear();
  }

  /** Ids of our networks that something in Docker stands for. */
  async list(): Promise<string[]> {
    const networks = await this.#ours();
    return [...new Set(networks.flatMap(({ labels }) => labels[dockerLabels.network] ?? []))];
  }

  async #ours(networkId?: string): Promise<EngineNetwork[]> {
    const { engine, instance } = this.#options;
    const all = await engine.listNetworks(`${dockerLabels.instance}=${instance}`);
    return all.filter(({ labels }) => networkId === undefined || labels[dockerLabels.network] === networkId);
  }

  async #make(body: NetworkBody): Promise<void> {
    const { engine, instance, log } = this.#options;
    let there = await engine.findNetwork(body.Name);
    if (!there) {
      try {
        await engine.createNetwork(body);
        log.info({ name: body.Name }, 'Docker network made');
        return;
      } catch (error) {
        if (!isFailure(error, 'conflict')) throw error;
        there = await engine.findNetwork(body.Name);
      }
    }
    if (there?.labels[dockerLabels.instance] === instance) return;
    throw new Failure('docker-error', `a Docker network ${body.Name} is there, and is not ours`);
  }
}
