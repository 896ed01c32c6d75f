/**
 * How many networks, ports … a project may have. Defaults come from the configuration, overrides per project from
 * the store; −1 is without limit. Checked inside the transaction that creates, so that two creates cannot both
 * take the last place.
 */
import type { Caller } from '../../model/caller.ts';
import { Failure } from '../../model/failure.ts';
import type { DbOrTrx, Trx } from '../../store/database.ts';
import {
  type CountedTable,
  countOf,
  deleteQuotaOverrides,
  findQuotaOverrides,
  projectsWithQuotas,
  setQuotaOverrides,
} from '../../store/network/quotas.ts';
import { change, type NetworkContext } from './context.ts';
import { checkCloud, checkProject } from './policy.ts';

/** Resource as the API names it → setting of the default, and the table that it is counted in. */
export const quotaResources = {
  network: { setting: 'network', table: 'networks' },
  subnet: { setting: 'subnet', table: 'subnets' },
  subnetpool: { setting: 'subnetpool', table: 'subnet_pools' },
  port: { setting: 'port', table: 'ports' },
  router: { setting: 'router', table: 'routers' },
  floatingip: { setting: 'floatingip', table: 'floating_ips' },
  rbac_policy: { setting: 'rbacPolicy', table: 'rbac_policies' },
  security_group: { setting: 'securityGroup', table: 'security_groups' },
  security_group_rule: { setting: 'securityGroupRule', table: 'security_group_rules' },
} as const satisfies Record<
  string,
  { setting: keyof NetworkContext['config']['quotas']; table: CountedTable | null }
>;
export type QuotaResource = keyof typeof quotaResources;
export type Quota = Readonly<Record<QuotaResource, number>>;

const resources = Object.keys(quotaResources) as QuotaResource[];

export interface QuotaUse {
  readonly limit: number;
  readonly used: number;
}

function perResource<T>(value: (resource: QuotaResource) => T): Readonly<Record<QuotaResource, T>> {
  return Object.fromEntries(resources.map((resource) => [resource, value(resource)])) as Record<
    QuotaResource,
    T
  >;
}

/** Throws `network-over-quota` when the project would have more than it may. */
export async function claimQuota(
  context: NetworkContext,
  trx: Trx,
  projectId: string,
  more: Partial<Record<QuotaResource, number>>,
): Promise<void> {
  const limits = await limitsOf(context, trx, projectId);
  const over: string[] = [];
  for (const [resource, count] of Object.entries(more) as [QuotaResource, number][]) {
    const limit = limits[resource];
    if (limit >= 0 && (await usedOf(trx, resource, projectId)) + count > limit) over.push(resource);
  }
  if (over.length > 0) {
    throw new Failure(
      'network-over-quota',
      `Quota exceeded for resources: [${over.map((resource) => `'${resource}'`).join(', ')}].`,
    );
  }
}

async function limitsOf(context: NetworkContext, db: DbOrTrx, projectId: string): Promise<Quota> {
  const overrides = await findQuotaOverrides(db, projectId);
  const defaults = defaultLimits(context);
  return perResource((resource) => overrides[resource] ?? defaults[resource]);
}

function defaultLimits({ config }: NetworkContext): Quota {
  return perResource((resource) => config.quotas[quotaResources[resource].setting]);
}

async function usedOf(db: DbOrTrx, resource: QuotaResource, projectId: string): Promise<number> {
  const { table } = quotaResources[resource];
  return table ? countOf(db, table, projectId) : 0;
}

export type Quotas = ReturnType<typeof createQuotas>;

export function createQuotas(context: NetworkContext) {
  const { db } = context;
  return {
    async get(caller: Caller, projectId: string): Promise<Quota> {
      checkProject(context, caller, 'get_quota', projectId);
      return limitsOf(context, db, projectId);
    },

    defaults(caller: Caller, projectId: string): Quota {
      checkProject(context, caller, 'get_quota', projectId);
      return defaultLimits(context);
    },

    async details(caller: Caller, projectId: string): Promise<Readonly<Record<QuotaResource, QuotaUse>>> {
      checkProject(context, caller, 'get_quota', projectId);
      const limits = await limitsOf(context, db, projectId);
      const used = new Map<QuotaResource, number>();
      for (const resource of resources) used.set(resource, await usedOf(db, resource, projectId));
      return perResource((resource) => ({ limit: limits[resource], used: used.get(resource) ?? 0 }));
    },

    /** Projects that have quotas of their own. */
    async list(caller: Caller): Promise<{ projectId: string; quota: Quota }[]> {
      checkCloud(context, caller, 'get_quota');
      const projects = await projectsWithQuotas(db);
      return Promise.all(
        projects.map(async (projectId) => ({ projectId, quota: await limitsOf(context, db, projectId) })),
      );
    },

    /** With `checkUse`, limits below what is in use are refused. */
    async update(
      caller: Caller,
      projectId: string,
      amounts: Partial<Quota>,
      options: { readonly checkUse?: boolean } = {},
    ): Promise<Quota> {
      checkCloud(context, caller, 'update_quota');
      return change(context, async ({ trx }) => {
        for (const [resource, amount] of Object.entries(amounts) as [QuotaResource, number][]) {
          const used = options.checkUse ? await usedOf(trx, resource, projectId) : 0;
          if (amount >= 0 && amount < used) {
            throw new Failure(
              'invalid-value',
              `Quota limit ${amount} for ${resource} must be greater than or equal to already used ${used}`,
            );
          }
        }
        await setQuotaOverrides(trx, projectId, amounts);
        return limitsOf(context, trx, projectId);
      });
    },

    async reset(caller: Caller, projectId: string): Promise<void> {
      checkCloud(context, caller, 'delete_quota');
      await deleteQuotaOverrides(db, projectId);
    },
  };
}
