/** What Neutron wraps around resources: `{"port": {…}}`, lists for bulk creation, `If-Match` revisions. */
import type { FastifyRequest } from 'fastify';
import type { Query } from '../../control/network/resource/query.ts';
import { Failure } from '../../model/failure.ts';
import { malformedJson } from '../server.ts';

export type Body = Readonly<Record<string, unknown>>;

function isBody(value: unknown): value is Body {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The body as an object, whatever is in it. */
export function bodyOf(request: FastifyRequest): Body {
  const { body } = request;
  if (body === malformedJson || (body !== undefined && !isBody(body))) {
    throw new Failure('invalid-value', 'Body contains invalid data');
  }
  if (body === undefined) throw new Failure('invalid-value', 'Resource body required');
  return body;
}

export interface Names {
  readonly singular: string;
  readonly plural: string;
}

/** The one resource in the body. */
export function unwrap(request: FastifyRequest, singular: string): Body {
  const inner = bodyOf(request)[singular];
  if (isBody(inner)) return inner;
  throw new Failure('invalid-value', `Unable to find '${singular}' in request body`);
}

/** The one resource, or all of a bulk creation; `isBulk` says which. */
export function unwrapSome(
  request: FastifyRequest,
  { singular, plural }: Names,
): { readonly isBulk: boolean; readonly bodies: readonly Body[] } {
  const many = bodyOf(request)[plural];
  if (many === undefined) return { isBulk: false, bodies: [unwrap(request, singular)] };
  if (!Array.isArray(many) || many.length === 0) {
    throw new Failure('invalid-value', `'${plural}' must be a list of at least one ${singular}`);
  }
  return {
    isBulk: true,
    bodies: many.map((item: unknown) => {
      if (isBody(item)) return isBody(item[singular]) ? item[singular] : item;
      throw new Failure('invalid-value', `'${plural}' holds what is not a ${singular}`);
    }),
  };
}

/** `If-Match: revision_number=3` → 3. */
export function expectedRevision(request: FastifyRequest): { readonly revision?: number } {
  const header = request.headers['if-match'];
  if (header === undefined) return {};
  const revision = /^revision_number=(\d{1,15})$/.exec(header)?.[1];
  if (revision === undefined) {
    throw new Failure('invalid-value', 'If-Match must be revision_number=<number>');
  }
  return { revision: Number(revision) };
}

/** Every key with all its values, as repeated keys come as lists and single ones do not. */
export function queryOf(request: FastifyRequest): Query {
  const query = request.query as Record<string, string | string[]>;
  return Object.fromEntries(
    Object.entries(query).map(([key, value]) => [key, Array.isArray(value) ? value : [value]]),
  );
}
