/**
 * The life of a network: pools first, then the driver; at the end of its life the other way round.
 *
 * The record stands before anything is made, in state `creating`, and goes after everything is gone. A network with
 * endpoints cannot be deleted. A driver's error at a deletion is logged and does not keep the network, as in libnetwork:
 * only `driver-forbids` does.
 */
import { settleAll, type Undo, undoable } from '../base/undo.ts';
import { parseCidr } from '../ipam/address.ts';
import type { CnmNetwork, CnmNetworkDraft, CnmPool, CnmPoolDraft } from '../model/cnm.ts';
import { Failure, isFailure } from '../model/failure.ts';
import { type Context, newId } from './context.ts';
import type { DriverCapabilities } from './driver.ts';
import type { Ipam } from './ipam.ts';

const namePattern = /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}$/;

export class Networks {
  readonly #context: Context;

  constructor(context: Context) {
    this.#context = context;
  }

  async create(draft: CnmNetworkDraft): Promise<CnmNetwork> {
    const { drivers, ipams, inTurn } = this.#context;
    if (!namePattern.test(draft.name)) {
      throw new Failure(
        'invalid-value',
        `name ${JSON.stringify(draft.name)}: expected letters, digits, "_", "." and "-"`,
      );
    }
    if (draft.id !== undefined && !/^[0-9a-f]{64}$/.test(draft.id)) {
      throw new Failure('invalid-value', `id ${JSON.stringify(draft.id)}: expected 64 hexadecimal digits`);
    }
    const driver = draft.driver ?? 'bridge';
    const capabilities = await (await drivers.get(driver)).capabilities();
    const ipam = await ipams.get(draft.ipamDriver ?? 'default');
    return inTurn.run('networks', () => {
      this.#refuseSecond(draft, driver, capabilities);
      return undoable(this.#context.log, (undo) =>
        this.#create({ ...draft, driver }, capabilities, { ipam, undo }),
      );
    });
  }

  delete(id: string): Promise<void> {
    const { inTurn, networks, endpoints } = this.#context;
    return inTurn.run(id, async () => {
      const network = networks.get(id);
      const active = endpoints.all().filter((endpoint) => endpoint.networkId === id);
      if (active.length > 0) {
        const names = active.map(({ name }) => name).join(', ');
        throw new Failure(
          'network-in-use',
          `network ${network.name} id ${id} has active endpoints: ${names}`,
        );
      }
      await this.finishDeletion(await networks.change(id, { state: 'deleting' }));
    });
  }

  /** Also what undoes a creation: nothing of it need be there. */
  async finishDeletion(network: CnmNetwork): Promise<void> {
    const { drivers, networks, log } = this.#context;
    const driver = await drivers.get(network.driver);
    try {
      await driver.deleteNetwork(network);
    } catch (error) {
      if (isFailure(error, 'driver-forbids')) {
        await networks.change(network.id, { state: 'ready' });
        throw error;
      }
      log.warn({ network: network.id, error }, 'the driver could not delete a network: going on without');
    }
    await this.#releasePools(network);
    await networks.remove(network.id);
  }

  #refuseSecond(
    { name, id: given }: CnmNetworkDraft,
    driver: string,
    { isSingle }: DriverCapabilities,
  ): void {
    const all = this.#context.networks.all();
    if (all.some((network) => network.name === name)) {
      throw new Failure('conflict', `network with name ${name} already exists`);
    }
    if (all.some(({ id }) => id === given))
      throw new Failure('conflict', `network with id ${given} already exists`);
    if (isSingle && all.some((network) => network.driver === driver)) {
      throw new Failure('driver-forbids', `only one instance of "${driver}" network is allowed`);
    }
  }

  async #create(
    draft: CnmNetworkDraft & { readonly driver: string },
    { scope, hasAddresses }: DriverCapabilities,
    { ipam, undo }: { readonly ipam: Ipam; readonly undo: Undo },
  ): Promise<CnmNetwork> {
    const { networks, drivers, now } = this.#context;
    let network: CnmNetwork = {
      id: draft.id ?? newId(),
      name: draft.name,
      createdAt: now().toISOString(),
      driver: draft.driver,
      scope,
      internal: draft.internal ?? false,
      labels: draft.labels ?? {},
      options: draft.options ?? {},
      ipamDriver: ipam.name,
      ipamOptions: draft.ipamOptions ?? {},
      pools: [],
      state: 'creating',
    };
    undo.add('remove the network', () => this.finishDeletion(network));
    await networks.put(network);
    for (const asked of hasAddresses ? poolsOf(draft) : []) {
      const pool = await this.#allocate(network, asked, ipam);
      network = await networks.put({ ...network, pools: [...network.pools, pool] });
    }
    await (await drivers.get(network.driver)).createNetwork(network);
    network = await networks.put({ ...network, state: 'ready' });
    return network;
  }

  async #allocate(
    network: CnmNetwork,
    asked: CnmPoolDraft & { version: 4 | 6 },
    ipam: Ipam,
  ): Promise<CnmPool> {
    const { scope, ipamOptions: options } = network;
    const { version, cidr = '', subPool = '' } = asked;
    const given = await ipam.requestPool({ version, scope, cidr, subPool, options });
    const poolId = given.id;
    return undoable(this.#context.log, async (undo) => {
      undo.add('release the pool', () => ipam.releasePool(poolId));
      const auxiliary: Record<string, string> = {};
      for (const [name, address] of Object.entries(asked.auxiliary ?? {})) {
        auxiliary[name] =
          (await ipam.requestAddress({ poolId, address, purpose: 'auxiliary', options })) ?? address;
      }
      const gateway =
        given.gateway ??
        (await ipam.requestAddress({ poolId, address: asked.gateway ?? '', purpose: 'gateway', options }));
      const { cidr: chosen, addressSpace } = given;
      return { version, id: poolId, cidr: chosen, addressSpace, subPool, gateway, auxiliary };
    });
  }

  async #releasePools({ ipamDriver, pools, id }: CnmNetwork): Promise<void> {
    if (pools.length === 0) return;
    const ipam = await this.#context.ipams.get(ipamDriver);
    await settleAll(
      `pools of network ${id}`,
      pools.flatMap((pool) => [
        ...[pool.gateway, ...Object.values(pool.auxiliary)]
          .filter((address) => address !== null)
          .map((address) => [address, () => ipam.releaseAddress(pool.id, address)] as const),
        [pool.cidr, () => ipam.releasePool(pool.id)] as const,
      ]),
    ).catch((error: unknown) => this.#context.log.warn({ network: id, error }, 'pools were not released'));
  }
}

/** At least one of IPv4; throws `invalid-value` naming what does not fit. */
function poolsOf({
  pools = [],
  ipv6 = false,
}: CnmNetworkDraft): (CnmPoolDraft & { readonly version: 4 | 6 })[] {
  const asked = pools.map((pool) => ({ ...pool, version: versionOf(pool) }));
  const has = (version: 4 | 6) => asked.some((pool) => pool.version === version);
  return [
    ...(has(4) ? [] : [{ version: 4 as const }]),
    ...asked,
    ...(ipv6 && !has(6) ? [{ version: 6 as const }] : []),
  ];
}

function versionOf({ cidr, subPool, gateway }: CnmPoolDraft): 4 | 6 {
  if (cidr !== undefined) return parseCidr(cidr).version;
  if (subPool === undefined && gateway === undefined) return 4;
  throw new Failure('invalid-value', 'a range and a gateway need the subnet that they are in');
}
