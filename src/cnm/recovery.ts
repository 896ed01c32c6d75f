/**
 * What a start does with the records of an earlier one: what was being made is undone, what was being deleted is finished,
 * the rest is told to IPAM drivers that forget, and put back where the machine lost it. One thing that fails hinders no other.
 */
import { settleAll } from '../base/undo.ts';
import type { Context } from './context.ts';
import { addressesOf, type Endpoints } from './endpoints.ts';
import type { Networks } from './networks.ts';
import type { Sandboxes } from './sandboxes.ts';

interface Rooms {
  readonly networks: Networks;
  readonly endpoints: Endpoints;
  readonly sandboxes: Sandboxes;
}

export async function recover(context: Context, rooms: Rooms): Promise<void> {
  const { networks, endpoints, sandboxes, log } = context;
  await settleAll('recovery', [
    ['replay', () => replay(context)],
    ...sandboxes
      .all()
      .filter(({ state }) => state !== 'ready')
      .map((sandbox) => [`sandbox ${sandbox.id}`, () => rooms.sandboxes.finishDeletion(sandbox)] as const),
  ]).catch((error: unknown) => log.error({ error }, 'recovery is not complete'));
  const half = endpoints.all().filter(({ state }) => state !== 'ready');
  const gone = networks.all().filter(({ state }) => state !== 'ready');
  await settleAll('recovery', [
    ...half.map(
      (endpoint) => [`endpoint ${endpoint.id}`, () => rooms.endpoints.finishDeletion(endpoint)] as const,
    ),
    ...gone.map(
      (network) => [`network ${network.id}`, () => rooms.networks.finishDeletion(network)] as const,
    ),
    ...networks
      .all()
      .filter((network) => !gone.includes(network))
      .map(
        (network) =>
          [
            `network ${network.id}`,
            async () => (await context.drivers.get(network.driver)).restoreNetwork(network),
          ] as const,
      ),
    ...sandboxes
      .all()
      .map((sandbox) => [`sandbox ${sandbox.id}`, () => rooms.sandboxes.restore(sandbox)] as const),
  ]).catch((error: unknown) => log.error({ error }, 'recovery is not complete'));
}

/** Pools and addresses again, to drivers that keep nothing. */
async function replay({ networks, endpoints, ipams }: Context): Promise<void> {
  for (const network of networks.all()) {
    if (network.pools.length === 0) continue;
    const ipam = await ipams.get(network.ipamDriver);
    if (!(await ipam.capabilities()).needsReplay) continue;
    const { scope, ipamOptions: options } = network;
    for (const pool of network.pools) {
      await ipam.requestPool({
        version: pool.version,
        scope,
        cidr: pool.cidr,
        subPool: pool.subPool,
        options,
      });
      const held = [
        ...(pool.gateway === null ? [] : [[pool.gateway, 'gateway'] as const]),
        ...Object.values(pool.auxiliary).map((address) => [address, 'auxiliary'] as const),
      ];
      for (const [address, purpose] of held) {
        await ipam.requestAddress({ poolId: pool.id, address, purpose, options });
      }
    }
    for (const endpoint of endpoints.all().filter(({ networkId }) => networkId === network.id)) {
      for (const { poolId, address } of addressesOf(network, endpoint)) {
        await ipam.requestAddress({ poolId, address, purpose: 'endpoint', options });
      }
    }
  }
}
