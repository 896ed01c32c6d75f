/** /policies: the rules that count here, and why a user may or may not do something. Berth's own; Zun has nothing like it. */
import type { ContainerControl } from '../../../control/container/control.ts';
import type { Explained } from '../../../control/container/policies.ts';
import type { Endpoint, Input } from '../endpoint.ts';
import * as v from '../vocabulary.ts';

export function policyEndpoints({ policies }: ContainerControl): Endpoint[] {
  return [
    {
      method: 'GET',
      path: '/policies',
      summary: 'Rules that count here, with their text (not in Zun)',
      policy: 'policy:get_all',
      status: 200,
      async handle({ caller }) {
        const rules = policies.list(caller);
        return {
          body: { policies: rules.map(({ rule, text, isDefault }) => ({ rule, text, default: isDefault })) },
        };
      },
    },
    {
      method: 'GET',
      path: '/policies/:action/explain',
      summary: 'Why a user may or may not do something (not in Zun)',
      policy: 'policy:explain',
      query: {
        user: { schema: v.binaryName, required: true },
        project: { schema: v.binaryName },
        object: { schema: v.binaryName },
      },
      status: 200,
      async handle({ caller, path, query }) {
        const explained = await policies.explain(caller, { action: path.action ?? '', ...askOf(query) });
        return { body: toWire(explained) };
      },
    },
  ];
}

function askOf({ user, project, object }: Input) {
  return {
    user: String(user),
    project: project === undefined ? null : String(project),
    object: object === undefined ? null : String(object),
  };
}

function toWire({ caller, rule, text, allowed, reasons }: Explained) {
  return {
    rule,
    text,
    allowed,
    user_id: caller.userId,
    user_name: caller.userName,
    project_id: caller.projectId,
    project_name: caller.projectName,
    roles: caller.roles,
    is_admin: caller.isAdmin,
    checks: reasons,
  };
}
