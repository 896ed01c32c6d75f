/**
 * Quotas of containers: limits per project, what is used, and the check of a create or an update.
 *
 * A limit comes from the project, else from the quota class `default`, else from the configuration; -1 = none.
 * Usage is summed from the rows, so it cannot drift; the check runs again inside the transaction that stores, so
 * concurrent requests cannot overshoot.
 */
import type { Config } from '../../base/config.ts';
import type { Caller } from '../../model/caller.ts';
import { type Quota, type QuotaResource, quotaResources, type Usage } from '../../model/container-record.ts';
import { Failure } from '../../model/failure.ts';
import { usageOfProject } from '../../store/container/containers.ts';
import {
  classLimits,
  deleteProjectLimits,
  projectLimits,
  type QuotaChange,
  setClassLimits,
  setProjectLimits,
} from '../../store/container/quotas.ts';
import type { DbOrTrx } from '../../store/database.ts';
import type { ContainerContext } from './context.ts';

const defaultClass = 'default';
/** Sums of fractions of a CPU are compared with this much forgiveness. */
const tolerance = 1e-6;

export type QuotaUsage = Readonly<Record<QuotaResource, number>>;

function configured(config: Config): Quota {
  const { containers, memory, cpu, disk } = config.quotas;
  return { containers, memory, cpu, disk };
}

async function limitsOf(db: DbOrTrx, config: Config, projectId: string | null): Promise<Quota> {
  return {
    ...configured(config),
    ...(await classLimits(db, defaultClass)),
    ...(projectId === null ? {} : await projectLimits(db, projectId)),
  };
}

function toQuotaUsage(usage: Usage): QuotaUsage {
  return {
    containers: usage.containers,
    memory: usage.memoryMiB,
    cpu: usage.cpu,
    disk: usage.diskGiB,
  };
}

/** Throws `over-quota` (403) naming every resource that `more` would push over its limit. */
export async function assertQuota(
  db: DbOrTrx,
  config: Config,
  projectId: string,
  more: Usage,
): Promise<void> {
  const limits = await limitsOf(db, config, projectId);
  const used = toQuotaUsage(await usageOfProject(db, projectId));
  const wanted = toQuotaUsage(more);
  const exceeded = quotaResources
    .filter(
      (resource) =>
        wanted[resource] > 0 &&
        limits[resource] >= 0 &&
        used[resource] + wanted[resource] > limits[resource] + tolerance,
    )
    .sort();
  if (exceeded.length === 0) return;
  const names = exceeded.map((resource) => `'${resource}'`).join(', ');
  throw new Failure('over-quota', `Quota exceeded for resources: [${names}]`);
}

/** The use cases behind /quotas and /quota_classes. */
export function quotaUseCases({ db, config, policy }: ContainerContext) {
  return {
    async get(caller: Caller, projectId: string): Promise<{ limits: Quota; used: QuotaUsage }> {
      policy.enforce(caller, 'quota:get', { projectId });
      return {
        limits: await limitsOf(db, config, projectId),
        used: toQuotaUsage(await usageOfProject(db, projectId)),
      };
    },

    async defaults(caller: Caller, projectId: string): Promise<Quota> {
      policy.enforce(caller, 'quota:get_default', { projectId });
      return limitsOf(db, config, null);
    },

    async update(caller: Caller, projectId: string, change: QuotaChange): Promise<Quota> {
      policy.enforce(caller, 'quota:update', { projectId });
      await setProjectLimits(db, projectId, change);
      return limitsOf(db, config, projectId);
    },

    async reset(caller: Caller, projectId: string): Promise<void> {
      policy.enforce(caller, 'quota:delete', { projectId });
      await deleteProjectLimits(db, projectId);
    },

    async getClass(caller: Caller, name: string): Promise<Quota> {
      policy.enforce(caller, 'quota_class:get');
      return { ...configured(config), ...(await classLimits(db, name)) };
    },

    async updateClass(caller: Caller, name: string, change: QuotaChange): Promise<Quota> {
      policy.enforce(caller, 'quota_class:update');
      await setClassLimits(db, name, change);
      return { ...configured(config), ...(await classLimits(db, name)) };
    },
  };
}
