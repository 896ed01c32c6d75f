/**
 * The life of an endpoint: on one network for ever, in at most one sandbox at a time. Its addresses are its own until it is
 * deleted, not only until it is left.
 */
import { settleAll, type Undo, undoable } from '../base/undo.ts';
import { contains, findAddress, findCidr } from '../ipam/address.ts';
import { canonicalMac } from '../ipam/mac.ts';
import type { CnmEndpoint, CnmEndpointDraft, CnmNetwork, CnmPool } from '../model/cnm.ts';
import { Failure } from '../model/failure.ts';
import { type Context, newId } from './context.ts';
import type { Ipam } from './ipam.ts';

export class Endpoints {
  readonly #context: Context;

  constructor(context: Context) {
    this.#context = context;
  }

  create(networkId: string, draft: CnmEndpointDraft): Promise<CnmEndpoint> {
    const { inTurn, networks, endpoints, log } = this.#context;
    return inTurn.run(networkId, async () => {
      const network = networks.get(networkId);
      if (network.state !== 'ready')
        throw new Failure('conflict', `network ${network.name} is being deleted`);
      if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}$/.test(draft.name)) {
        throw new Failure(
          'invalid-value',
          `endpoint name ${JSON.stringify(draft.name)}: expected letters, digits, "_", "." and "-"`,
        );
      }
      if (endpoints.all().some((each) => each.networkId === networkId && each.name === draft.name)) {
        throw new Failure(
          'conflict',
          `endpoint with name ${draft.name} already exists in network ${network.name}`,
        );
      }
      return undoable(log, (undo) => this.#create(network, draft, undo));
    });
  }

  delete(id: string): Promise<void> {
    const { inTurn, endpoints } = this.#context;
    const { networkId } = endpoints.get(id);
    return inTurn.run(networkId, async () => {
      const endpoint = endpoints.get(id);
      if (endpoint.sandboxId !== null) {
        throw new Failure(
          'endpoint-in-use',
          `endpoint with name ${endpoint.name} id ${id} has active containers: leave sandbox ${endpoint.sandboxId} first`,
        );
      }
      await this.finishDeletion(await endpoints.change(id, { state: 'deleting' }));
    });
  }

  /** Also what undoes a creation. Best effort and complete; a driver's error does not keep the endpoint. */
  async finishDeletion(endpoint: CnmEndpoint): Promise<void> {
    const { drivers, ipams, networks, endpoints, log } = this.#context;
    const network = networks.get(endpoint.networkId);
    await settleAll(`endpoint ${endpoint.id}`, [
      ['driver', async () => (await drivers.get(network.driver)).deleteEndpoint(network, endpoint)],
      ...addressesOf(network, endpoint).map(
        ({ poolId, address }) =>
          [
            address,
            async () => (await ipams.get(network.ipamDriver)).releaseAddress(poolId, address),
          ] as const,
      ),
    ]).catch((error: unknown) =>
      log.warn({ endpoint: endpoint.id, error }, 'an endpoint was not deleted cleanly'),
    );
    await endpoints.remove(endpoint.id);
  }

  async #create(network: CnmNetwork, draft: CnmEndpointDraft, undo: Undo): Promise<CnmEndpoint> {
    const { endpoints, drivers, ipams } = this.#context;
    let endpoint = newborn(network, draft);
    undo.add('remove the endpoint', () => this.finishDeletion(endpoint));
    await endpoints.put(endpoint);
    if (network.pools.length > 0) {
      const ipam = await ipams.get(network.ipamDriver);
      const { needsMacAddress } = await ipam.capabilities();
      if (needsMacAddress && endpoint.macAddress === null) {
        endpoint = await endpoints.put({ ...endpoint, macAddress: randomMac() });
      }
      for (const [key, version] of [
        ['address', 4],
        ['address6', 6],
      ] as const) {
        const address = await this.#request(network, endpoint, { ipam, version, asked: draft[key] ?? '' });
        if (address !== null) endpoint = await endpoints.put({ ...endpoint, [key]: address });
      }
    }
    const chosen = await (await drivers.get(network.driver)).createEndpoint(network, endpoint);
    endpoint = await endpoints.put({ ...endpoint, ...chosen, state: 'ready' });
    return endpoint;
  }

  /** From the first pool of the family that has one to give; an address that is asked for from the pool that it lies in. */
  async #request(
    { name, pools, ipamOptions: options }: CnmNetwork,
    { macAddress }: CnmEndpoint,
    { ipam, version, asked }: { readonly ipam: Ipam; readonly version: 4 | 6; readonly asked: string },
  ): Promise<string | null> {
    const ofFamily = pools.filter((pool) => pool.version === version);
    if (ofFamily.length === 0 && asked !== '') {
      throw new Failure('invalid-value', `address ${asked}: network ${name} has no IPv${version} pool`);
    }
    let last: unknown;
    for (const pool of ofFamily) {
      try {
        return await ipam.requestAddress({
          poolId: pool.id,
          address: asked,
          purpose: 'endpoint',
          options,
          ...(macAddress === null ? {} : { macAddress }),
        });
      } catch (error) {
        last = error;
      }
    }
    if (last !== undefined) throw last;
    return null;
  }
}

function newborn(network: CnmNetwork, draft: CnmEndpointDraft): CnmEndpoint {
  return {
    id: newId(),
    name: draft.name,
    networkId: network.id,
    macAddress: draft.macAddress === undefined ? null : canonicalMac(draft.macAddress),
    address: null,
    address6: null,
    aliases: draft.aliases ?? [],
    options: draft.options ?? {},
    exposed: draft.exposed ?? [],
    publish: draft.publish ?? [],
    sandboxId: null,
    priority: 0,
    join: null,
    interfaceName: null,
    bindings: [],
    isProgrammed: false,
    state: 'creating',
  };
}

/** Each address with the pool that it came from. */
export function addressesOf(
  { pools }: CnmNetwork,
  { address, address6 }: CnmEndpoint,
): { readonly poolId: string; readonly address: string }[] {
  return [address, address6].flatMap((one) => {
    if (one === null) return [];
    const version = one.includes(':') ? 6 : 4;
    const pool: CnmPool | undefined =
      pools.find((each) => each.version === version && holds(each, one)) ??
      pools.find((each) => each.version === version);
    return pool ? [{ poolId: pool.id, address: one }] : [];
  });
}

function holds({ cidr }: CnmPool, address: string): boolean {
  const block = findCidr(cidr);
  const value = findAddress(address.split('/')[0] ?? '');
  return block !== undefined && value !== undefined && contains(block, value);
}

/** Of a card of nobody's: locally administered. */
function randomMac(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(4));
  return ['02', '42', ...[...bytes].map((byte) => byte.toString(16).padStart(2, '0'))].join(':');
}
