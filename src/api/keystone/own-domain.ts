/** Rules about the domain that projects and users live in. */
import { defaultDomainId } from '../../control/identity/domains.ts';
import { Failure } from '../../model/failure.ts';
import type { Token } from '../../model/identity.ts';

/** Where a new object goes when the request names no domain: the domain of the token's scope. */
export function domainOf({ scope }: Token): string {
  switch (scope.kind) {
    case 'project':
      return scope.project.domain.id;
    case 'domain':
      return scope.domain.id;
    default:
      return defaultDomainId;
  }
}

/** Objects do not move between domains; naming the one they are in is fine. */
export function assertSameDomain(field: string, asked: string | null | undefined, domainId: string): void {
  if (asked === undefined || asked === null || asked === domainId) return;
  throw new Failure(
    'schema-validation-error',
    `Invalid input for field '${field}': '${asked}' cannot be set; the only possible value is '${domainId}'.`,
  );
}
