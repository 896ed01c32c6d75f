/** What adding and removing security groups mean for what a container shows. Pure. */
import type { Container, ContainerOperation } from '../../model/container-record.ts';
import { Failure } from '../../model/failure.ts';
import type { ContainerChange } from '../../store/container/codec.ts';

type GroupChange = Pick<ContainerChange, 'securityGroupIds' | 'exposedGroupId'>;

/** Exposed ports replace the default group. */
export function unnamed({ exposedGroupId }: Container, defaults: readonly string[]): readonly string[] {
  return exposedGroupId === null ? defaults : [];
}

/** Throws `invalid-value` in Zun's words. */
export function added({ securityGroupIds, exposedGroupId }: Container, groupId: string): GroupChange {
  const groups = securityGroupIds ?? [];
  if (groups.includes(groupId) || exposedGroupId === groupId) {
    throw new Failure('invalid-value', `Security group ${groupId} has been added to container.`);
  }
  return { securityGroupIds: [...groups, groupId] };
}

/** Throws `invalid-value` in Zun's words. */
export function removed({ securityGroupIds, exposedGroupId }: Container, groupId: string): GroupChange {
  const groups = securityGroupIds ?? [];
  if (groups.includes(groupId)) return { securityGroupIds: groups.filter((id) => id !== groupId) };
  // The group itself goes with the container.
  if (exposedGroupId === groupId) return { securityGroupIds: groups, exposedGroupId: null };
  throw new Failure('invalid-value', `Security group ${groupId} was not added to container.`);
}

/** What the container shows again when its ports could not follow. */
export function undone({ securityGroupIds }: Container, { verb, args }: ContainerOperation): GroupChange {
  const groups = securityGroupIds ?? [];
  const id = args.securityGroupId ?? '';
  return {
    securityGroupIds: verb === 'add_security_group' ? groups.filter((each) => each !== id) : [...groups, id],
  };
}
