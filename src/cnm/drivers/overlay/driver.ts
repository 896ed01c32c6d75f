/**
 * The overlay driver: a network over several hosts, by VXLAN. A network with the same id on each host is one network.
 *
 * Its part on this host is there while endpoints of this host are joined (./plan). Who is where is told by the peer
 * directory; peers are brought up to date at each join and whenever the directory says that something changed. There is
 * no way out: a sandbox that needs one joins a bridge network, too.
 */
import { KeyedQueue } from '../../../base/keyed-queue.ts';
import type { Log } from '../../../base/log.ts';
import { settleAll } from '../../../base/undo.ts';
import type { Kernel } from '../../../host/kernel.ts';
import type { CnmEndpoint, CnmJoin, CnmNetwork } from '../../../model/cnm.ts';
import { Failure } from '../../../model/failure.ts';
import type { CnmView, Driver } from '../../driver.ts';
import { addressesOf } from '../../endpoints.ts';
import type { PeerDirectory } from '../../peers/directory.ts';
import { chosenMac, refuseNullPool } from '../endpoint.ts';
import { prefixOf } from '../labels.ts';
import {
  endNames,
  endpointSteps,
  mtuInside,
  namespaceOf,
  networkSteps,
  peerSteps,
  peersOf,
  routesOf,
  tunnel,
  tunnelIdOf,
  withoutNetworkSteps,
} from './plan.ts';

export interface OverlayOptions {
  readonly kernel: Kernel;
  readonly records: CnmView;
  readonly directory: PeerDirectory;
  /** Address of this host that others send to; undefined = it has none, and can have no such network. */
  readonly tunnelAddress: () => Promise<string | undefined>;
  readonly log: Log;
}

export class OverlayDriver implements Driver {
  readonly type = 'overlay';
  readonly #options: OverlayOptions;
  readonly #inTurn = new KeyedQueue();
  readonly #endWatch: () => void;

  constructor(options: OverlayOptions) {
    this.#options = options;
    this.#endWatch = options.directory.watch(() => void this.#refreshAll());
  }

  /** Hears of no more changes; those under way are finished. */
  async close(): Promise<void> {
    this.#endWatch();
    await Promise.all(this.#own().map(({ id }) => this.#inTurn.run(id, async () => undefined)));
  }

  async capabilities() {
    return { scope: 'global', hasAddresses: true, isSingle: false } as const;
  }

  async createNetwork(network: CnmNetwork): Promise<void> {
    refuseNullPool(network);
    const id = tunnelIdOf(network);
    prefixOf(network.options);
    if (mtuInside(network) < 68) throw new Failure('invalid-value', 'the MTU leaves no room for the tunnel');
    const other = this.#own().find((each) => each.id !== network.id && tunnelIdOf(each) === id);
    if (other) throw new Failure('driver-forbids', `VXLAN id ${id} is used by network ${other.name} already`);
    await this.#local();
  }

  /** Joined endpoints bring it back. */
  async restoreNetwork(network: CnmNetwork): Promise<void> {
    const joined = this.#joined(network);
    if (joined.length === 0) return;
    for (const endpoint of joined) await this.#claim(network, endpoint, true);
    await this.#options.kernel.apply(networkSteps(network, await this.#local()));
    await this.#refresh(network);
  }

  async deleteNetwork(network: CnmNetwork): Promise<void> {
    await this.#options.kernel.apply(withoutNetworkSteps(network));
  }

  async createEndpoint(network: CnmNetwork, endpoint: CnmEndpoint) {
    const chosen = chosenMac(endpoint);
    await this.#claim(network, { ...endpoint, ...chosen }, false);
    return chosen;
  }

  async deleteEndpoint(network: CnmNetwork, endpoint: CnmEndpoint): Promise<void> {
    const { directory, tunnelAddress } = this.#options;
    await this.#options.kernel.apply([
      { do: 'delete-link', netns: namespaceOf(network), name: endNames(endpoint).outer },
    ]);
    const host = await tunnelAddress();
    if (host === undefined) return;
    for (const { pool, address } of claimsOf(network, endpoint))
      await directory.release({ pool, address, host });
  }

  async join(network: CnmNetwork, endpoint: CnmEndpoint): Promise<CnmJoin> {
    const local = await this.#local();
    await this.#options.kernel.apply([...networkSteps(network, local), ...endpointSteps(network, endpoint)]);
    await this.#claim(network, endpoint, true);
    await this.#refresh(network);
    const addresses = addressesOf(network, endpoint).map(({ poolId }) => poolId);
    const own = network.pools.filter(({ id }) => addresses.includes(id));
    return {
      link: { name: endNames(endpoint).inner, prefix: prefixOf(network.options) },
      gateway: null,
      gateway6: null,
      routes: routesOf(network, own),
    };
  }

  async leave(network: CnmNetwork, endpoint: CnmEndpoint): Promise<void> {
    const { kernel } = this.#options;
    const { outer } = endNames(endpoint);
    await settleAll(`leave of endpoint ${endpoint.id}`, [
      ['claim', () => this.#claim(network, endpoint, false)],
      ['link', () => kernel.apply([{ do: 'delete-link', netns: namespaceOf(network), name: outer }])],
      ['network', () => this.#inTurn.run(network.id, () => this.#removeAfter(network, endpoint))],
    ]);
  }

  /** Asked and applied without a pause between: whoever joins is on record before it builds. */
  async #removeAfter(network: CnmNetwork, { id }: CnmEndpoint): Promise<void> {
    const isLast = this.#joined(network).every((other) => other.id === id);
    if (isLast) await this.#options.kernel.apply(withoutNetworkSteps(network));
  }

  /** No way out, nothing to publish. */
  async program() {
    return [];
  }

  async revoke(): Promise<void> {
    // Nothing was published.
  }

  #own(): CnmNetwork[] {
    return this.#options.records.networks().filter(({ driver }) => driver === this.type);
  }

  #joined({ id }: CnmNetwork): CnmEndpoint[] {
    return this.#options.records.endpoints().filter((one) => one.networkId === id && one.sandboxId !== null);
  }

  async #local(): Promise<string> {
    const address = await this.#options.tunnelAddress();
    if (address) return address;
    throw new Failure(
      'invalid',
      'this host has no address for tunnels: name one with berth cnm serve --tunnel-address',
    );
  }

  /** Holds the endpoint's addresses; others may send to them while it is joined. */
  async #claim(network: CnmNetwork, endpoint: CnmEndpoint, isJoined: boolean): Promise<void> {
    const host = await this.#local();
    const { macAddress } = endpoint;
    const peer =
      isJoined && macAddress !== null ? { networkId: network.id, endpointId: endpoint.id, macAddress } : null;
    for (const { pool, address } of claimsOf(network, endpoint)) {
      if (await this.#options.directory.claim({ pool, address, host, peer })) continue;
      throw new Failure('ip-address-in-use', `Address ${address} is in use on another host`);
    }
  }

  async #refreshAll(): Promise<void> {
    const built = this.#own().filter((network) => this.#joined(network).length > 0);
    for (const network of built) {
      await this.#refresh(network).catch((error: unknown) =>
        this.#options.log.warn(
          { network: network.id, error },
          'the peers of an overlay network are not up to date',
        ),
      );
    }
  }

  #refresh(network: CnmNetwork): Promise<void> {
    const { kernel, directory } = this.#options;
    return this.#inTurn.run(network.id, async () => {
      const netns = namespaceOf(network);
      if (!(await kernel.namespaces()).includes(netns)) return;
      const wanted = peersOf(network, await directory.list(), await this.#local());
      await kernel.apply(peerSteps(network, wanted, await kernel.peers(tunnel, netns)));
    });
  }
}

function claimsOf(network: CnmNetwork, endpoint: CnmEndpoint) {
  return addressesOf(network, endpoint).flatMap(({ poolId, address }) => {
    const pool = network.pools.find(({ id }) => id === poolId)?.cidr;
    return pool === undefined ? [] : [{ pool, address: address.split('/')[0] ?? '' }];
  });
}
