/**
 * Security groups of a container that exists. The request changes what the container shows and waits as an operation
 * of the server's own; the provisioner changes the ports, whose hosts then apply it to the running container.
 */
import type { Caller } from '../../model/caller.ts';
import { assertAllowed, type ServerVerb } from '../../model/container.ts';
import { shownBy } from '../../model/operation-table.ts';
import { updateContainer } from '../../store/container/containers.ts';
import { type ContainerContext, nowIso } from './context.ts';
import { added, removed, unnamed } from './group-changes.ts';
import { getContainer } from './look-up.ts';
import { assertOnHost, mustFind, queueOperation } from './operate.ts';
import type { Provisioner } from './provisioner.ts';

export async function changeSecurityGroup(
  ctx: ContainerContext & { readonly provisioner: Provisioner },
  caller: Caller,
  ident: string,
  { verb, name }: { readonly verb: ServerVerb; readonly name: string },
): Promise<void> {
  const { uuid, projectId } = await getContainer(ctx, caller, ident, `container:${verb}`);
  const owner = { ...caller, projectId };
  const [groupId = ''] = await ctx.networking.resolveSecurityGroups(owner, [name]);
  const defaults = await ctx.networking.resolveSecurityGroups(owner, ['default']);
  await ctx.db.transaction().execute(async (trx) => {
    const container = await mustFind(trx, uuid);
    assertAllowed(verb, uuid, container.status);
    assertOnHost(container);
    // Not to have named any means the project's default group.
    const explicit = {
      ...container,
      securityGroupIds: container.securityGroupIds ?? unnamed(container, defaults),
    };
    const change = verb === 'add_security_group' ? added(explicit, groupId) : removed(explicit, groupId);
    await updateContainer(trx, uuid, {
      ...change,
      portsPhase: 'changing',
      ...shownBy(verb),
      revision: container.revision + 1,
      updatedAt: nowIso(ctx),
    });
    const args = { securityGroupId: groupId };
    await queueOperation(ctx, trx, { caller, container, verb, args });
  });
  ctx.provisioner.kick(uuid);
}
