/**
 * Quotas of containers: limits per project, what is used, and the check of a create or an update.
 *
 * A limit comes from the project, else from the quota class that it is in, else from the class `default`, else from the configuration;
 * -1 = none.
 * Usage is kept by the database beside the rows, so it cannot drift; the check runs again inside the transaction that stores, so
 * concurrent requests cannot overshoot.
 */
import type { Config } from '../../base/config-schema.ts';
import type { Caller } from '../../model/caller.ts';
import { type Quota, type QuotaResource, quotaResources, type Usage } from '../../model/container-record.ts';
import { Failure } from '../../model/failure.ts';
import {
  assignClass,
  classLimits,
  classOfProject,
  deleteProjectLimits,
  projectLimits,
  type QuotaChange,
  setClassLimits,
  setProjectLimits,
} from '../../store/container/quotas.ts';
import { usageOfProject } from '../../store/container/sums.ts';
import type { DbOrTrx, Trx } from '../../store/database.ts';
import type { ContainerContext } from './context.ts';

const defaultClass = 'default';
/** Sums of fractions of a CPU are compared with this much forgiveness. */
const tolerance = 1e-6;

export type QuotaUsage = Readonly<Record<QuotaResource, number>>;

function configured(config: Config): Quota {
  const { containers, memory, cpu, disk } = config.quotas;
  return { containers, memory, cpu, disk };
}

/** Of a project without any of its own. */
async function defaultsOf(db: DbOrTrx, config: Config, projectId: string): Promise<Quota> {
  const className = await classOfProject(db, projectId);
  return {
    ...configured(config),
    ...(await classLimits(db, defaultClass)),
    ...(className === null ? {} : await classLimits(db, className)),
  };
}

async function limitsOf(db: DbOrTrx, config: Config, projectId: string): Promise<Quota> {
  return { ...(await defaultsOf(db, config, projectId)), ...(await projectLimits(db, projectId)) };
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
      return defaultsOf(db, config, projectId);
    },

    /** Null = in none but the default one. */
    async classOf(caller: Caller, projectId: string): Promise<string | null> {
      policy.enforce(caller, 'quota:get', { projectId });
      return classOfProject(db, projectId);
    },

    /** Throws `quota-class-not-found` for a class that has no limits. */
    async update(
      caller: Caller,
      projectId: string,
      { limits, quotaClass }: { readonly limits: QuotaChange; readonly quotaClass?: string | null },
    ): Promise<Quota> {
      policy.enforce(caller, 'quota:update', { projectId });
      await db.transaction().execute(async (trx) => {
        if (quotaClass !== undefined) await moveTo(trx, projectId, quotaClass);
        await setProjectLimits(trx, projectId, limits);
      });
      return limitsOf(db, config, projectId);
    },

    async reset(caller: Caller, projectId: string): Promise<void> {
      policy.enforce(caller, 'quota:delete', { projectId });
      await db.transaction().execute(async (trx) => {
        await deleteProjectLimits(trx, projectId);
        await assignClass(trx, projectId, null);
      });
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

async function moveTo(trx: Trx, projectId: string, className: string | null): Promise<void> {
  const isThere =
    className === null ||
    className === defaultClass ||
    Object.keys(await classLimits(trx, className)).length > 0;
  if (!isThere)
    throw new Failure(
      'quota-class-not-found',
      `Quota class ${className} could not be found: it has no limits.`,
    );
  await assignClass(trx, projectId, className === defaultClass ? null : className);
}
