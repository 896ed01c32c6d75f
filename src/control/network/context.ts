/**
 * What every use case of the network service works with, and how it changes something.
 *
 * `change` runs the whole use case in one transaction. Unique indexes have the last word about addresses, MACs
 * and the like: when one objects, somebody else was quicker, and the use case is run again from the start (its own
 * checks then find the other's row and say so). Hosts are woken after the commit, and only those concerned.
 */
import type { Clock } from '../../base/clock.ts';
import type { Config } from '../../base/config-schema.ts';
import type { Log } from '../../base/log.ts';
import type { Random } from '../../ipam/allocate.ts';
import type { Caller } from '../../model/caller.ts';
import { Failure } from '../../model/failure.ts';
import type { Uuid } from '../../model/ids.ts';
import type { Port } from '../../model/network.ts';
import { isUniqueConflict } from '../../store/conflict.ts';
import type { Db, Trx } from '../../store/database.ts';
import { groupsWithAddresses } from '../../store/network/address-groups.ts';
import { everything, type Scope } from '../../store/network/common.ts';
import {
  connectedWith,
  groupsThatName,
  hasOtherPort,
  networksOfRouter,
  type Placement,
  placementsOf,
  placementsOfGroups,
  routersAtNetworks,
} from '../../store/network/placement.ts';
import { placementsOfPolicy } from '../../store/network/qos-policies.ts';
import type { Policy } from '../policy.ts';
import type { Waker } from '../waker.ts';

export type NetworkConfig = Pick<Config, 'network' | 'quotas' | 'agent'>;

export interface NetworkContext {
  readonly db: Db;
  readonly waker: Waker;
  readonly config: NetworkConfig;
  readonly clock: Clock;
  readonly log: Log;
  readonly random: Random;
  readonly policy: Policy;
}

/** One transaction in progress. */
export interface Change {
  readonly trx: Trx;
  readonly now: string;
  readonly concerned: Concerned;
}

const attempts = 8;

export async function change<T>(context: NetworkContext, work: (change: Change) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    const placements: Placement[] = [];
    try {
      const result = await context.db.transaction().execute((trx) =>
        work({
          trx,
          now: context.clock.now().toISOString(),
          concerned: new Concerned(trx, placements),
        }),
      );
      wake(context.waker, placements);
      return result;
    } catch (error) {
      if (!isUniqueConflict(error)) throw error;
      if (attempt === attempts) {
        throw new Failure(
          'conflict',
          'Somebody else changed the same thing again and again; try once more.',
          {
            cause: error,
          },
        );
      }
      context.log.debug({ error, attempt }, 'lost a race for a unique value, trying again');
    }
  }
}

type BoundPort = Pick<Port, 'id' | 'bindingHost' | 'networkId'>;

/**
 * Collects which networks on which hosts a change concerns. Each call looks at the store as it is at that moment:
 * before what it names is deleted, after what it names was made.
 */
export class Concerned {
  readonly #trx: Trx;
  readonly #placements: Placement[];

  constructor(trx: Trx, placements: Placement[]) {
    this.#trx = trx;
    this.#placements = placements;
  }

  /**
   * A port on that host and network came, went or changed. With the first and the last one of a network on a host
   * the networks that a router connects it with come and go there too.
   */
  async port({ id, bindingHost: host, networkId }: BoundPort): Promise<void> {
    if (host === '') return;
    this.#placements.push({ host, networkId });
    const others = await connectedWith(this.#trx, networkId);
    if (others.length === 0 || (await hasOtherPort(this.#trx, { host, networkId, portId: id }))) return;
    this.#placements.push(...others.map((other) => ({ host, networkId: other })));
  }

  /** The networks, their subnets or their routers changed. */
  async networks(ids: readonly Uuid[]): Promise<void> {
    this.#placements.push(...(await placementsOf(this.#trx, ids)));
  }

  /** What routers know of these networks changed: those with an interface or their gateway there. */
  async routed(networkIds: readonly Uuid[]): Promise<void> {
    for (const id of await routersAtNetworks(this.#trx, networkIds)) await this.router(id);
  }

  /** A router, or what it translates, changed: on every host that has it, or on the named one alone. */
  async router(id: Uuid, host = ''): Promise<void> {
    const placements = await placementsOf(this.#trx, await networksOfRouter(this.#trx, id));
    this.#placements.push(...placements.filter((one) => host === '' || one.host === host));
  }

  /** The rules of the groups changed. */
  async rules(groupIds: readonly Uuid[]): Promise<void> {
    this.#placements.push(...(await placementsOfGroups(this.#trx, groupIds)));
  }

  /** A QoS policy has other limits. */
  async limits(policyId: Uuid): Promise<void> {
    this.#placements.push(...(await placementsOfPolicy(this.#trx, policyId)));
  }

  /** Address groups have other addresses. */
  async addresses(groupIds: readonly Uuid[]): Promise<void> {
    await this.rules(await groupsWithAddresses(this.#trx, groupIds));
  }

  /** The groups have other members, or members with other addresses. */
  async members(groupIds: readonly Uuid[]): Promise<void> {
    await this.rules(await groupsThatName(this.#trx, groupIds));
  }
}

function wake(waker: Waker, placements: readonly Placement[]): void {
  const networks = new Map<string, Set<Uuid>>();
  for (const { host, networkId } of placements) {
    const ids = networks.get(host) ?? new Set();
    networks.set(host, ids.add(networkId));
  }
  for (const [host, ids] of networks) waker.wake(host, { networks: [...ids] });
}

/** What the caller may find: administrators everything, others what their project may see. */
export function scopeOf(caller: Caller): Scope {
  return caller.isAdmin ? everything : { kind: 'project', projectId: caller.projectId };
}
