/**
 * Finding a container for a caller: by uuid, or by exact name.
 *
 * Callers see their own project, administrators all of them. What a caller may not see does not exist (404).
 */
import type { Caller } from '../../model/caller.ts';
import type { Container } from '../../model/container-record.ts';
import { Failure } from '../../model/failure.ts';
import { looksLikeUuid } from '../../model/ids.ts';
import { findContainer, findContainersByName } from '../../store/container/containers.ts';
import type { PolicyRule } from '../policy.ts';
import type { ContainerContext } from './context.ts';

/** Throws `container-not-found` (404), `conflict` (409) for an ambiguous name, then what the rule says (403). */
export async function getContainer(
  ctx: Pick<ContainerContext, 'db' | 'policy'>,
  caller: Caller,
  ident: string,
  rule: PolicyRule,
): Promise<Container> {
  const container = looksLikeUuid(ident)
    ? await findContainer(ctx.db, ident)
    : await findByName(ctx, caller, ident);
  if (!container || (!caller.isAdmin && container.projectId !== caller.projectId)) {
    throw new Failure('container-not-found', `Container ${ident} could not be found.`);
  }
  ctx.policy.enforce(caller, rule, container);
  return container;
}

async function findByName(
  ctx: Pick<ContainerContext, 'db'>,
  caller: Caller,
  name: string,
): Promise<Container | undefined> {
  const found = await findContainersByName(ctx.db, name, caller.isAdmin ? null : caller.projectId);
  if (found.length > 1) {
    throw new Failure(
      'conflict',
      'Multiple containers exist with same name. Please use the container uuid instead.',
    );
  }
  return found[0];
}
