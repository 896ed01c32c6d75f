/**
 * Docker's networks: made in the network service, or standing for one that is there (adopted).
 *
 * A network is found again by the tags that carry Docker's id of it. A network of Berth's own containers carries none:
 * its ports are found by their address and MAC, and nothing of a tenant's is changed.
 * What was made for a call that fails is removed again. Deleting the unknown is success.
 */
import type { Log } from '../../base/log.ts';
import { type Undo, undoable } from '../../base/undo.ts';
import { Failure } from '../../model/failure.ts';
import { kuryrPortOwner } from '../../model/network.ts';
import type { NetworkService, NetworkView } from '../../wire/network-service.ts';
import type { KuryrBackend } from './backend.ts';
import {
  adoptedNetworkTag,
  isDockers,
  isOwnSubnet,
  networkName,
  networkTags,
  tagsOfDocker,
} from './names.ts';
import { type NetworkSettings, readSettings, settingKeys, settingsOf } from './network-settings.ts';
import { NetworkSubnets } from './network-subnets.ts';
import { NetworkTags, untagged } from './network-tags.ts';
import {
  mtuOption,
  networkReference,
  poolOptions,
  type Reference,
  refuseUnknown,
  sharedOption,
} from './options.ts';
import type { Shelter } from './orphans.ts';
import type { Pools } from './pools.ts';
import { type CreateNetwork, optionKey } from './protocol.ts';
import { type WantedSubnet, wantedSubnets } from './wanted-subnets.ts';

type Options = Readonly<Record<string, unknown>>;

export class Networks {
  readonly #backend: KuryrBackend;
  readonly #pools: Pools;
  readonly #tags: NetworkTags;
  readonly #subnets: NetworkSubnets;
  readonly #log: Log;
  readonly #idOfDocker = new Map<string, string>();
  readonly #settings = new Map<string, NetworkSettings>();

  constructor(backend: KuryrBackend, pools: Pools, log: Log) {
    this.#backend = backend;
    this.#pools = pools;
    this.#tags = new NetworkTags(backend.service, backend.host);
    this.#subnets = new NetworkSubnets(backend.service, pools);
    this.#log = log;
  }

  async create(request: CreateNetwork): Promise<void> {
    const dockerId = request.NetworkID;
    const options = (request.Options?.[optionKey.generic] ?? {}) as Options;
    refuseUnknown(options, [...poolOptions, ...Object.values(settingKeys)]);
    const subnets = wantedSubnets(request, options);
    const ownId = await this.#ownNetwork(options, subnets);
    const id = ownId ?? (await this.#createInService(request, options, subnets));
    this.#idOfDocker.set(dockerId, id);
    if (!ownId) return;
    for (const { reference } of subnets) if (reference) this.#pools.existing.accepted(reference.value);
  }

  async delete(dockerId: string): Promise<void> {
    this.#idOfDocker.delete(dockerId);
    this.#settings.delete(dockerId);
    for (const network of await this.#tagged(dockerId)) await this.#drop(network, dockerId);
  }

  /** The network that Docker's stands for; undefined when nothing tells. */
  async find(dockerId: string): Promise<string | undefined> {
    const known = this.#idOfDocker.get(dockerId);
    if (known) return known;
    const [network] = await this.#tagged(dockerId);
    if (network) this.#idOfDocker.set(dockerId, network.id);
    return network?.id;
  }

  /** What the network's options said about its endpoints. */
  async settings(dockerId: string): Promise<NetworkSettings> {
    const known = this.#settings.get(dockerId);
    if (known) return known;
    const [network] = await this.#tagged(dockerId);
    const settings = settingsOf(dockerId, network?.tags ?? []);
    this.#settings.set(dockerId, settings);
    return settings;
  }

  /** Networks that this host's Docker was rid of while this driver was away. */
  orphans(): Shelter {
    return {
      kind: 'network',
      find: async () => {
        const lost = (await this.#service.list('networks', {})).flatMap((network) =>
          this.#tags.standsFor(network),
        );
        if (lost.length === 0) return [];
        const present = [...(await this.#backend.holdings()).networks];
        return lost.filter((id) => !present.some((dockerId) => dockerId.startsWith(id.split(' ')[1] ?? '')));
      },
      free: async (text) => {
        const [id = '', dockerId = ''] = text.split(' ');
        for (const network of await this.#service.list('networks', { id })) {
          if (dockerId === untagged) await this.#remove(network);
          else await this.#drop(network, dockerId);
        }
      },
    };
  }

  /** Without a question to the service. */
  recall(dockerId: string): string | undefined {
    return this.#idOfDocker.get(dockerId);
  }

  learn(dockerId: string, networkId: string): void {
    this.#idOfDocker.set(dockerId, networkId);
  }

  get #service(): NetworkService {
    return this.#backend.service;
  }

  #tagged(dockerId: string): Promise<NetworkView[]> {
    return this.#service.list('networks', { tags: networkTags(dockerId).join(',') });
  }

  /** The named network when all of its named subnets are served by this host: nothing is to be made. */
  async #ownNetwork(options: Options, subnets: readonly WantedSubnet[]): Promise<string | undefined> {
    const network = networkReference(options);
    if (network?.by !== 'id') return undefined;
    if (subnets.length === 0 || subnets.some(({ isOurPool }) => !isOurPool)) return undefined;
    for (const { cidr, reference } of subnets) {
      const subnet = reference?.by === 'id' ? await this.#backend.findSubnet(reference.value) : undefined;
      if (subnet?.networkId !== network.value || subnet.cidr !== cidr.text) return undefined;
    }
    return network.value;
  }

  #createInService(
    request: CreateNetwork,
    options: Options,
    subnets: readonly WantedSubnet[],
  ): Promise<string> {
    return undoable(this.#log, async (undo) => {
      const network = await this.#ensureNetwork(request.NetworkID, options, undo);
      const isInternal = request.Options?.[optionKey.internal] === true;
      const { NetworkID: dockerId } = request;
      for (const subnet of subnets) {
        await this.#subnets.ensure(network.id, subnet, { dockerId, isInternal, undo });
      }
      return network.id;
    });
  }

  async #ensureNetwork(dockerId: string, options: Options, undo: Undo): Promise<NetworkView> {
    const [known] = await this.#tagged(dockerId);
    if (known) return known;
    const settings = await readSettings(this.#service, options);
    const reference = networkReference(options);
    const shared = sharedOption(options);
    const network = reference
      ? await this.#adopt(reference, shared)
      : await this.#make(dockerId, { shared: shared ?? false, mtu: mtuOption(options, optionKey.mtu) }, undo);
    await this.#tags.add(network, { dockerId, isAdopted: reference !== undefined, settings }, undo);
    return network;
  }

  async #make(
    dockerId: string,
    { shared, mtu }: { shared: boolean; mtu: number | undefined },
    undo: Undo,
  ): Promise<NetworkView> {
    const network = await this.#service.create('networks', {
      name: networkName(dockerId),
      admin_state_up: true,
      ...(shared ? { shared } : {}),
      ...(mtu === undefined ? {} : { mtu }),
    });
    undo.add(`remove network ${network.id}`, () => this.#service.remove('networks', network.id));
    return network;
  }

  async #adopt(reference: Reference, shared: boolean | undefined): Promise<NetworkView> {
    const query = reference.by === 'id' ? { id: reference.value } : { name: reference.value };
    const [network, ...others] = await this.#service.list('networks', query);
    if (!network) {
      throw new Failure('network-not-found', `Specified network id/name(${reference.value}) does not exist.`);
    }
    if (others.length > 0) {
      throw new Failure('conflict', `Multiple Neutron networks exist for the params name=${reference.value}`);
    }
    if (shared !== undefined && shared !== network.shared) {
      throw new Failure(
        'conflict',
        `option neutron.net.shared=${shared}: network ${network.id} is ${network.shared ? '' : 'not '}shared`,
      );
    }
    return network;
  }

  async #drop(network: NetworkView, dockerId: string): Promise<void> {
    const own = tagsOfDocker(network.tags, dockerId);
    const others = network.tags.filter((tag) => !own.includes(tag));
    const isAdopted = own.includes(adoptedNetworkTag(dockerId));
    // One whose making or leaving was interrupted is only left: an own one is found by its name then.
    if (isAdopted || isDockers(others) || !isDockers(own)) await this.#leave(network, dockerId);
    else await this.#remove(network);
  }

  /** An adopted network: only what was made in it for Docker goes. */
  async #leave(network: NetworkView, dockerId: string): Promise<void> {
    const subnets = await this.#service.list('subnets', { network_id: network.id });
    for (const subnet of subnets) {
      if (isOwnSubnet(subnet.name) && subnet.tags.length === 0) {
        await this.#service.remove('subnets', subnet.id).catch((error: unknown) => {
          this.#log.warn({ subnet: subnet.id, error }, 'a subnet made for Docker stays');
        });
      }
    }
    await this.#tags.remove(network, dockerId);
  }

  async #remove(network: NetworkView): Promise<void> {
    const ports = await this.#service.list('ports', { network_id: network.id, device_owner: kuryrPortOwner });
    for (const port of ports) await this.#service.remove('ports', port.id);
    const subnets = await this.#service.list('subnets', { network_id: network.id });
    for (const subnet of subnets) await this.#service.remove('subnets', subnet.id);
    await this.#service.remove('networks', network.id);
    // Docker releases pools first; here go those whose subnet could not be removed then.
    await this.#pools.letGo(subnets);
  }
}
