/** A network service on a database in memory, with callers and a record of the hosts it woke. */

import type { Clock } from '../../src/base/clock.ts';
import { loadConfig } from '../../src/base/config.ts';
import { silentLog } from '../../src/base/log.ts';
import { createNetworkControl, type NetworkControl } from '../../src/control/network/network-control.ts';
import type { Policy } from '../../src/control/policy.ts';
import type { Random } from '../../src/ipam/allocate.ts';
import type { Caller } from '../../src/model/caller.ts';
import { type Db, openDatabase } from '../../src/store/database.ts';

export interface Wake {
  readonly host: string;
  readonly networks: readonly string[];
}

export interface TestNetwork extends AsyncDisposable {
  readonly control: NetworkControl;
  readonly db: Db;
  /** Oldest first. */
  readonly wakes: Wake[];
  /** How many queries the work made. */
  countQueries(work: () => Promise<unknown>): Promise<number>;
  /** Runs the work with its n-th query failing; rejects with whatever the work makes of it. */
  failingAt(n: number, work: () => Promise<unknown>): Promise<unknown>;
}

/** Each reading is a second later than the one before, so that "oldest" means something. */
function tickingClock(): Clock {
  let now = Date.parse('2026-01-01T00:00:00Z');
  return {
    now: () => {
      now += 1_000;
      return new Date(now);
    },
  };
}

export async function createTestNetwork(
  settings: Record<string, unknown> = {},
  random?: Random,
  policy?: Policy,
): Promise<TestNetwork> {
  let queries = 0;
  let failAt = Number.POSITIVE_INFINITY;
  const db = (await openDatabase(':memory:')).withPlugin({
    transformQuery: ({ node }) => {
      queries += 1;
      if (queries === failAt) throw new Error('the disk is on fire');
      return node;
    },
    transformResult: async ({ result }) => result,
  });
  const wakes: Wake[] = [];
  const control = createNetworkControl({
    db,
    waker: { wake: (host, { networks = [] }) => wakes.push({ host, networks: networks.toSorted() }) },
    config: loadConfig({ env: {}, overrides: settings }),
    clock: tickingClock(),
    log: silentLog(),
    ...(random ? { random } : {}),
    ...(policy ? { policy } : {}),
  });
  const countQueries = async (work: () => Promise<unknown>) => {
    const before = queries;
    await work();
    return queries - before;
  };
  const failingAt = async (n: number, work: () => Promise<unknown>) => {
    failAt = queries + n;
    try {
      return await work();
    } finally {
      failAt = Number.POSITIVE_INFINITY;
    }
  };
  return { control, db, wakes, countQueries, failingAt, [Symbol.asyncDispose]: () => db.destroy() };
}

/** A member of the project, or an administrator working in it. */
export function testCaller(projectId: string, options: { readonly isAdmin?: boolean } = {}): Caller {
  const isAdmin = options.isAdmin ?? false;
  return {
    requestId: 'req-00000000-0000-4000-8000-000000000000',
    userId: `user-of-${projectId}`,
    userName: `user-of-${projectId}`,
    userDomainId: 'default',
    projectId,
    projectName: projectId,
    projectDomainId: 'default',
    roles: isAdmin ? ['admin', 'member', 'reader'] : ['member', 'reader'],
    isAdmin,
  };
}
