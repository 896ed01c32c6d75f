/**
 * The tags that lead from a network to Docker's and back, put on and taken off so that an interruption leaves it findable
 * and an adopted one never looks like one made here.
 */
import type { Undo } from '../../base/undo.ts';
import type { NetworkService, NetworkView } from '../../wire/network-service.ts';
import {
  adoptedNetworkTag,
  dockerIdsOf,
  hostTag,
  isDockers,
  isOwnNetwork,
  networkTags,
  tagsOfDocker,
} from './names.ts';
import { type NetworkSettings, settingTags } from './network-settings.ts';

/** Stands for Docker's id of a network that was made here and never got its tags. */
export const untagged = 'untagged';

export interface DockerNetwork {
  readonly dockerId: string;
  readonly isAdopted: boolean;
  readonly settings: NetworkSettings;
}

export class NetworkTags {
  readonly #service: NetworkService;
  readonly #host: string;

  constructor(service: NetworkService, host: string) {
    this.#service = service;
    this.#host = host;
  }

  async add(
    { id }: NetworkView,
    { dockerId, isAdopted, settings }: DockerNetwork,
    undo: Undo,
  ): Promise<void> {
    // First by what the sweep finds it, then what keeps an adopted network from being removed.
    const tags = [
      hostTag(dockerId, this.#host),
      ...(isAdopted ? [adoptedNetworkTag(dockerId)] : []),
      ...networkTags(dockerId),
      ...settingTags(dockerId, settings),
    ];
    if (isAdopted) undo.add(`untag network ${id}`, () => this.#removeNow(id, dockerId));
    for (const tag of tags) await this.#service.addTag('networks', id, tag);
  }

  /** Ends at a failure: what leads the sweep here goes last. */
  async remove({ id, tags }: NetworkView, dockerId: string): Promise<void> {
    const own = tagsOfDocker(tags, dockerId);
    const last = [adoptedNetworkTag(dockerId), hostTag(dockerId, this.#host)];
    const first = own.filter((tag) => !last.includes(tag));
    for (const tag of [...first, ...last.filter((each) => own.includes(each))]) {
      await this.#service.removeTag('networks', id, tag);
    }
  }

  /** `<network> <first digits of Docker's id>` for each of this host's; one made here that never got its tags is nobody's. */
  standsFor({ id, name, tags }: NetworkView): string[] {
    const known = dockerIdsOf(tags, this.#host).map((dockerId) => `${id} ${dockerId}`);
    return known.length === 0 && !isDockers(tags) && isOwnNetwork(name) ? [`${id} ${untagged}`] : known;
  }

  async #removeNow(networkId: string, dockerId: string): Promise<void> {
    for (const network of await this.#service.list('networks', { id: networkId })) {
      await this.remove(network, dockerId);
    }
  }
}
