/**
 * Create: everything is checked before anything is stored, in the documented order (zun-api.md 6.2); then one
 * transaction places the container and stores it with its claim and its `create` operation.
 *
 * The claim is the row itself and the hosts' sums are read in the same transaction, so two requests cannot take the
 * last place together. No host fits = the container is stored all the same, in status Error, saying why.
 */
import type { Caller } from '../../model/caller.ts';
import type { ContainerSpec, WantedNet } from '../../model/container.ts';
import type { Container, Usage } from '../../model/container-record.ts';
import { Failure } from '../../model/failure.ts';
import { newUuid } from '../../model/ids.ts';
import { schedule } from '../../scheduler/schedule.ts';
import { findContainer, insertContainer } from '../../store/container/containers.ts';
import { findHost } from '../../store/container/hosts.ts';
import { finishOperation, insertOperation } from '../../store/container/operations.ts';
import type { Trx } from '../../store/database.ts';
import type { RequestedNet } from '../networking.ts';
import { type ContainerContext, nowIso } from './context.ts';
import { hostStates } from './hosts.ts';
import { assertNameFree, generateName } from './names.ts';
import { assertDistinct } from './networks.ts';
import { madeBefore, type Once, remember } from './once.ts';
import { assertQuota } from './quotas.ts';
import { getRegistry } from './registries.ts';

/** Fields that the border has rules of its own about (microversion, field policy, what is not built yet). */
export type GuardedField =
  | 'auto_remove'
  | 'runtime'
  | 'hostname'
  | 'healthcheck'
  | 'mounts'
  | 'privileged'
  | 'cap_add'
  | 'image_driver'
  | 'image_pull_policy'
  | 'exposed_ports'
  | 'registry'
  | 'host';

export interface CreateAsk {
  /** Null = generate one. */
  readonly name: string | null;
  readonly run: boolean;
  /** With the defaults applied. */
  readonly resources: Omit<Usage, 'containers'>;
  readonly nets: readonly RequestedNet[];
  /** Names or ids; null = the project's default group. */
  readonly securityGroups: readonly string[] | null;
  /** Null = the configured one, else any. */
  readonly availabilityZone: string | null;
  readonly host: string | null;
  /** Name or uuid of the registry that the image comes from. */
  readonly registry: string | null;
  /** Sent again, it is the same container. */
  readonly once?: Once;
  /** Labels that the host must have. */
  readonly hostLabels: Readonly<Record<string, string>>;
  /** Applies the border's rules on one field; called in the documented order, throws what they say. */
  readonly admit: (field: GuardedField) => void;
  /** Cross-field rules and defaults; throws `invalid…`. */
  readonly compile: () => ContainerSpec;
}

export async function createContainer(
  ctx: ContainerContext,
  caller: Caller,
  ask: CreateAsk,
): Promise<Container> {
  const { db, networking, policy, config } = ctx;
  const earlier = await madeBefore(ctx, db, caller, ask.once);
  if (earlier) return earlier;
  const groups = ask.securityGroups;
  const securityGroupIds = groups === null ? null : await networking.resolveSecurityGroups(caller, groups);
  const wants = { containers: 1, ...ask.resources };
  await assertQuota(db, config, caller.projectId, wants);
  for (const field of ['auto_remove', 'runtime', 'hostname'] as const) ask.admit(field);
  const resolved = await networking.resolveNets(caller, ask.nets, {
    mayAttachExternal: policy.allows(caller, 'network:attach_external_network'),
  });
  assertDistinct(resolved);
  const nets = resolved.map((net, index) => ({ ...net, index }));
  for (const field of [
    'healthcheck',
    'mounts',
    'privileged',
    'cap_add',
    'image_driver',
    'image_pull_policy',
  ] as const) {
    ask.admit(field);
  }
  const name = ask.name ?? generateName();
  await assertNameFree(db, config, name, caller.projectId);
  const compiled = ask.compile();
  for (const field of ['exposed_ports', 'registry'] as const) ask.admit(field);
  const registry =
    ask.registry === null ? null : await getRegistry(ctx, caller, ask.registry, 'registry:get_one');
  ask.admit('host');

  const spec = { ...compiled, registryId: registry?.uuid ?? null };

  return db.transaction().execute(async (trx) => {
    const meanwhile = await madeBefore(ctx, trx, caller, ask.once);
    if (meanwhile) return meanwhile;
    await assertQuota(trx, config, caller.projectId, wants);
    await assertNameFree(trx, config, name, caller.projectId);
    const container = await place(ctx, trx, { caller, ask, name, spec, nets, securityGroupIds });
    await remember(ctx, trx, container, ask.once);
    return container;
  });
}

interface Checked {
  readonly caller: Caller;
  readonly ask: CreateAsk;
  readonly name: string;
  readonly spec: ContainerSpec;
  readonly nets: readonly WantedNet[];
  readonly securityGroupIds: readonly string[] | null;
}

async function place(ctx: ContainerContext, trx: Trx, checked: Checked): Promise<Container> {
  const { caller, ask, name, nets, securityGroupIds } = checked;
  const { files, ...spec } = checked.spec;
  if (ask.host !== null && !(await findHost(trx, ask.host))) {
    throw new Failure('requested-host-not-found', `Requested host ${ask.host} could not be found.`);
  }
  const { scheduler } = ctx.config;
  const decision = schedule(
    await hostStates(ctx, trx),
    {
      ...ask.resources,
      cpuPolicy: spec.cpuPolicy,
      runtime: spec.runtime,
      availabilityZone: ask.availabilityZone ?? (scheduler.availabilityZone || null),
      host: ask.host,
      hostLabels: ask.hostLabels,
    },
    {
      cpu: scheduler.cpuAllocationRatio,
      memory: scheduler.memoryAllocationRatio,
      disk: scheduler.diskAllocationRatio,
    },
  );
  const isPlaced = 'host' in decision;
  const reason = isPlaced ? null : `There are not enough hosts available. ${decision.refusal}`;
  const now = nowIso(ctx);
  const uuid = newUuid();
  await insertContainer(trx, {
    uuid,
    name,
    projectId: caller.projectId,
    userId: caller.userId,
    spec,
    files,
    nets,
    nics: [],
    securityGroupIds,
    exposedGroupId: null,
    host: isPlaced ? decision.host : null,
    portsPhase: isPlaced ? 'wanted' : 'none',
    status: isPlaced ? 'Creating' : 'Error',
    statusReason: reason,
    taskState: null,
    power: ask.run ? 'running' : 'created',
    revision: 1,
    wasCreated: false,
    engineState: null,
    runtimeId: null,
    exitCode: null,
    resolved: null,
    vitals: null,
    heals: null,
    startedAt: null,
    finishedAt: null,
    observedAt: null,
    createdAt: now,
    updatedAt: null,
  });
  const id = newUuid();
  await insertOperation(trx, {
    id,
    containerUuid: uuid,
    projectId: caller.projectId,
    userId: caller.userId,
    requestId: caller.requestId,
    verb: 'create',
    args: {},
    startedAt: now,
  });
  if (reason !== null) await finishOperation(trx, id, { result: 'Error', message: reason, at: now });
  const stored = await findContainer(trx, uuid);
  if (!stored) throw new Error(`container ${uuid} was not stored`);
  return stored;
}
