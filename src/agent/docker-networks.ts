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
import type { Engine } from '../docker/engine.ts';
import { Failure, isFailure } from '../model/failure.ts';
import { dockerLabels, dockerNetworkName } from '../model/host-names.ts';
import type { WantedNetwork } from '../wire/host-network.ts';
import { toNetworkBody } from './network-body.ts';

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
  /** Networks that were seen in Docker, with these subnets; forgotten whenever that may have changed unseen. */
  readonly #known = new Map<string, string>();

  constructor(options: DockerNetworksOptions) {
    this.#options = options;
  }

  nameOf(networkId: string): string {
    return dockerNetworkName(this.#options.instance, networkId);
  }

  /** Returns the name of the Docker network, which exists then. */
  async ensure(network: WantedNetwork): Promise<string> {
    const subnets = subnetsOf(network);
    if (this.#known.get(network.id) !== subnets) {
      await this.#queue.run(network.id, async () => {
        if (this.#known.get(network.id) === subnets) return;
        await this.#make(network);
        this.#known.set(network.id, subnets);
      });
    }
    return this.nameOf(network.id);
  }

  /** Removes it unless `isNeeded` says otherwise when its turn comes; returns whether it is gone. */
  removeUnless(networkId: string, isNeeded: () => boolean): Promise<boolean> {
    return this.#queue.run(networkId, async () => {
      if (isNeeded()) return false;
      this.#known.delete(networkId);
      await this.#options.engine.removeNetwork(this.nameOf(networkId));
      return true;
    });
  }

  /** After Docker was away, or when it says that a network is not there: look again. */
  forgetAll(): void {
    this.#known.clear();
  }

  /** Ids of our networks that Docker has. */
  async list(): Promise<string[]> {
    const label = `${dockerLabels.instance}=${this.#options.instance}`;
    const networks = await this.#options.engine.listNetworks(label);
    return networks.flatMap(({ labels }) => labels[dockerLabels.network] ?? []);
  }

  async #make(network: WantedNetwork): Promise<void> {
    const { engine, instance, log } = this.#options;
    const body = toNetworkBody(network, this.#options);
    const there = await this.#createOrFind(body);
    if (!there) {
      log.info({ network: network.id, name: body.Name }, 'Docker network made');
      return;
    }
    if (there.labels[dockerLabels.instance] !== instance) {
      throw new Failure('docker-error', `Docker network ${body.Name} is there, and is not ours`);
    }
    const missing = body.IPAM.Config.some(({ Subnet }) => !there.subnets.includes(Subnet));
    if (!missing) return;
    // The network got a subnet since. Docker cannot change a network, and refuses to remove one that is in use.
    log.info({ network: network.id, name: body.Name }, 'Docker network made again for its new subnets');
    await engine.removeNetwork(body.Name).catch((error: unknown) => {
      throw new Failure(
        'docker-error',
        `network ${network.id} got a subnet after containers of this host had joined it; stop them to use it here`,
        { cause: error },
      );
    });
    await engine.createNetwork(body);
  }

  /** Undefined = it was made now. */
  async #createOrFind(body: ReturnType<typeof toNetworkBody>) {
    const { engine } = this.#options;
    const there = await engine.findNetwork(body.Name);
    if (there) return there;
    try {
      await engine.createNetwork(body);
      return undefined;
    } catch (error) {
      const made = isFailure(error, 'conflict') ? await engine.findNetwork(body.Name) : undefined;
      if (made) return made;
      throw error;
    }
  }
}

function subnetsOf({ subnets }: WantedNetwork): string {
  return subnets
    .map(({ cidr }) => cidr)
    .sort()
    .join(' ');
}
