/** The 404 of each kind of identity object, in the words that clients match. */
import { Failure } from '../../model/failure.ts';

const codes = {
  domain: 'domain-not-found',
  project: 'project-not-found',
  user: 'user-not-found',
  role: 'role-not-found',
  'application credential': 'application-credential-not-found',
} as const;

/** The object, or the kind's `…-not-found` naming `id` when it is undefined. */
export function found<T>(kind: keyof typeof codes, id: string, object: T | undefined): T {
  if (object === undefined) throw new Failure(codes[kind], `Could not find ${kind}: ${id}.`);
  return object;
}

/** The one answer to every failed authentication: it must not tell which part was wrong. */
export function unauthorized(detail?: string): Failure {
  return new Failure(
    'unauthorized',
    'The request you have made requires authentication.',
    detail === undefined ? {} : { detail },
  );
}
