/** What every use case of this room works with. */
import type { Clock } from '../../base/clock.ts';
import type { Config } from '../../base/config-schema.ts';
import type { Log } from '../../base/log.ts';
import type { Bus } from '../../bus/bus.ts';
import type { Db } from '../../store/database.ts';
import type { Networking } from '../networking.ts';
import type { Policy } from '../policy.ts';
import type { Secrets } from '../secrets.ts';
import type { Waker } from '../waker.ts';

export interface ContainerContext {
  readonly db: Db;
  readonly bus: Bus;
  readonly networking: Networking;
  readonly waker: Waker;
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Log;
  readonly policy: Policy;
  readonly secrets: Secrets;
}

export function nowIso(ctx: Pick<ContainerContext, 'clock'>): string {
  return ctx.clock.now().toISOString();
}
