/** The use cases behind /policies: which rules count here, and why somebody may or may not do something. */
import type { Caller } from '../../model/caller.ts';
import { Failure } from '../../model/failure.ts';
import { isPolicyRule } from '../policy/defaults.ts';
import { isNetworkRule, type NetworkRule } from '../policy/network-defaults.ts';
import type { Explanation, ListedRule, PolicyTarget } from '../policy.ts';
import type { ContainerContext } from './context.ts';
import { getContainer } from './look-up.ts';

export interface ExplainAsk {
  /** Id or name. */
  readonly user: string;
  /** Id or name; null = the only one in which the user has a role. */
  readonly project: string | null;
  /** Name of a rule, e.g. `container:start`. */
  readonly action: string;
  /** A container, an object of the network service, or for rules about quotas a project's id; null = none yet, e.g. before a create. */
  readonly object: string | null;
}

export interface Explained extends Explanation {
  readonly caller: Caller;
}

/** Who a user is in a project; absent where identities are kept elsewhere. */
export type FindSubject = (user: string, project: string | null) => Promise<Caller>;

/** What a rule of the network service is asked about, as an administrator finds it; undefined = no such rule is about objects. */
export type FindNetworkTarget = (
  caller: Caller,
  rule: NetworkRule,
  id: string,
) => Promise<PolicyTarget | undefined>;

/** For explanations. */
export interface PolicyParties {
  readonly findSubject?: FindSubject;
  readonly findNetworkTarget?: FindNetworkTarget;
}

export function policyUseCases(ctx: ContainerContext, { findSubject, findNetworkTarget }: PolicyParties) {
  const { policy } = ctx;

  async function targetOf(caller: Caller, { action, object }: ExplainAsk): Promise<PolicyTarget | undefined> {
    if (object === null) return undefined;
    if (action.startsWith('quota') || action.endsWith('_quota')) return { projectId: object };
    if (isNetworkRule(action)) return findNetworkTarget?.(caller, action, object);
    return getContainer(ctx, caller, object, 'policy:explain');
  }

  return {
    list(caller: Caller): readonly ListedRule[] {
      policy.enforce(caller, 'policy:get_all');
      return policy.list();
    },

    async explain(caller: Caller, ask: ExplainAsk): Promise<Explained> {
      policy.enforce(caller, 'policy:explain');
      const { action, user, project } = ask;
      if (!isPolicyRule(action))
        throw new Failure('resource-not-found', `There is no policy rule ${action}.`);
      if (!findSubject)
        throw new Failure('not-implemented', 'Users of this cloud are kept by another service.');
      const subject = policy.recognise(await findSubject(user, project));
      const target = await targetOf(caller, ask);
      return { caller: subject, ...policy.explain(subject, action, target) };
    },
  };
}
