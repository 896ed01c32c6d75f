/**
 * Endpoints of Zun that are not built yet. They are declared all the same: they are authenticated, keep the rules about
 * versions and policy, look up their container, and then say 501 and what is missing.
 */
import type { ContainerControl } from '../../../control/container/control.ts';
import type { PolicyRule } from '../../../control/policy.ts';
import { Failure } from '../../../model/failure.ts';
import type { Endpoint, HttpMethod } from '../endpoint.ts';
import type { VersionRange } from '../microversion.ts';

type Row = readonly [method: HttpMethod, path: string, policy: PolicyRule, offered?: VersionRange];

const missing: Readonly<Record<string, readonly Row[]>> = {
  committing: [['POST', '/containers/:ident/commit', 'container:commit']],
  capsules: [
    ['GET', '/capsules', 'capsule:get_all'],
    ['POST', '/capsules', 'capsule:create'],
    ['GET', '/capsules/:ident', 'capsule:get'],
    ['DELETE', '/capsules/:ident', 'capsule:delete'],
  ],
  'networks of the engine': [
    ['POST', '/networks', 'network:create'],
    ['DELETE', '/networks/:ident', 'network:delete', { since: 27 }],
  ],
};

export function notYetEndpoints(control: ContainerControl): Endpoint[] {
  return Object.entries(missing).flatMap(([notYet, rows]) =>
    rows.map(([method, path, policy, offered = {}]): Endpoint => {
      const isAboutContainer = path.startsWith('/containers/:ident');
      return {
        ...offered,
        method,
        path,
        policy,
        summary: `Not offered yet: ${notYet}`,
        notYet,
        status: 501,
        ...(isAboutContainer ? { checksPolicyItself: true } : {}),
        async handle({ caller, path: parts }) {
          if (isAboutContainer) await control.get(caller, parts.ident ?? '', policy);
          throw new Failure('not-implemented', `This service does not offer ${notYet} yet.`);
        },
      };
    }),
  );
}
