/**
 * What an endpoint is: one declaration that routing, validation, policy and the documentation are made from.
 *
 * Microversion rules are data on the endpoint and on its fields. `query` fields are checked on the query string alone and
 * whatever a body brings besides is let through unchecked; `merged` fields are checked on both together; `body`
 * on the body (Zun has these three, clients rely on each).
 */
import type { Readable } from 'node:stream';
import Type, { type TSchema } from 'typebox';
import { Compile, type Validator } from 'typebox/compile';
import type { PolicyRule } from '../../control/policy.ts';
import type { Caller } from '../../model/caller.ts';
import { Failure } from '../../model/failure.ts';
import { isInRange, type VersionRange, versionText } from './microversion.ts';
import { schemaFailure } from './schema-error.ts';

export type Input = Readonly<Record<string, unknown>>;

export interface Field {
  readonly schema: TSchema;
  readonly required?: true;
  /** The minor version that brought the field. */
  readonly since?: number;
  /**
   * Below `since`: `unknown` = as if the field did not exist (the schema refuses it); `refused` = 400 naming the version.
   */
  readonly below?: 'unknown' | 'refused';
  /** Another schema at older versions. */
  readonly earlier?: { readonly until: number; readonly schema: TSchema };
  /** Giving the field needs this, too. */
  readonly policy?: PolicyRule;
}
export type Fields = Readonly<Record<string, Field>>;

/** A request as a handler sees it: authenticated, at an offered version, its input checked. */
export interface Call {
  readonly caller: Caller;
  readonly version: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** Parts of the path. */
  readonly path: Readonly<Record<string, string>>;
  readonly query: Input;
  readonly body: Input;
  /** Query and body together; a key of both is a list. */
  readonly input: Input;
  /** Scheme, host and prefix that links start with. */
  readonly baseUrl: string;
  /** The body as it comes, for endpoints that take a stream; absent = there is none. */
  readonly upload?: Readable;
  /** From 1.41 on. */
  readonly idempotencyKey?: string;
  /** Nobody waits for the answer any more. */
  readonly isGone: () => boolean;
}

export interface Reply {
  readonly status?: number;
  /** Sent as JSON; absent = `null`. */
  readonly body?: unknown;
  /** Instead of `body`: JSON already. */
  readonly json?: string;
  readonly location?: string;
  /** Instead of `body`: JSON, as it is made. */
  readonly stream?: Readable;
  /** Of `stream`, when it is not JSON. */
  readonly contentType?: string;
}

export type HttpMethod = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export interface Endpoint extends VersionRange {
  readonly method: HttpMethod;
  /** Below /v1, e.g. `/containers/:ident`. */
  readonly path: string;
  readonly summary: string;
  readonly policy: PolicyRule | null;
  /** The use case asks the policy, about the object it finds. */
  readonly checksPolicyItself?: true;
  readonly needsJson?: true;
  /** The body is not read into memory: the handler gets it as `upload`. */
  readonly takesStream?: true;
  /** The answer does not end by itself. */
  readonly goesOn?: true;
  /** A request for a WebSocket gets its stream over one. */
  readonly overWebSocket?: true;
  /** Lists: the names that the query string may have; the handler reads their values. */
  readonly parameters?: readonly string[];
  /** Parameters that only count from 1.41 on, for endpoints without a schema of their query string; the handler reads their values. */
  readonly ownParameters?: readonly string[];
  readonly query?: Fields;
  readonly body?: Fields;
  readonly merged?: Fields;
  /** Below this minor version whatever a body brings is let through unchecked, as Zun does. */
  readonly bodySince?: number;
  /** The status of success. */
  readonly status: number;
  /** What is missing, for endpoints that only answer 501. */
  readonly notYet?: string;
  readonly handle: (call: Call) => Promise<Reply>;
}

const validators = new WeakMap<Fields, Map<string, Validator>>();

/** The fields' schema at a version. Compiled once per set of schemas, not per version. */
function validatorAt(fields: Fields, version: number): Validator {
  const offered = Object.entries(fields).filter(
    ([, field]) => field.below !== 'unknown' || version >= (field.since ?? 1),
  );
  const key = offered.map(([name, field]) => `${name}${isEarlier(field, version) ? '-' : ''}`).join();
  const known = validators.get(fields) ?? new Map<string, Validator>();
  validators.set(fields, known);
  let validator = known.get(key);
  if (!validator) {
    const properties = offered.map(([name, field]) => {
      const schema = isEarlier(field, version) && field.earlier ? field.earlier.schema : field.schema;
      return [name, field.required ? schema : Type.Optional(schema)];
    });
    validator = Compile(Type.Object(Object.fromEntries(properties), { additionalProperties: false }));
    known.set(key, validator);
  }
  return validator;
}

function isEarlier({ earlier }: Field, version: number): boolean {
  return earlier !== undefined && isInRange(version, { until: earlier.until });
}

/** Throws `schema-validation-error` naming field and value. */
export function checkFields(
  fields: Fields,
  input: Input,
  { version, where }: { readonly version: number; readonly where: 'body' | 'query' },
): void {
  const validator = validatorAt(fields, version);
  if (validator.Check(input)) return;
  throw schemaFailure(validator.Errors(input), input, where);
}

/** Throws `invalid-parameter-value` naming every one that the endpoint does not know. */
export function checkParameters(known: readonly string[], query: Input): void {
  const unknown = Object.keys(query).filter((name) => !known.includes(name));
  if (unknown.length === 0) return;
  throw new Failure('invalid-parameter-value', `Unknown parameters: ${unknown.sort().join(', ')}`);
}

/** Throws `invalid-param-in-version` when the field is given and newer than the request's version. */
export function checkFieldVersion(name: string, field: Field | undefined, call: Pick<Call, 'version'>): void {
  const since = field?.since ?? 1;
  if (call.version >= since) return;
  throw new Failure(
    'invalid-param-in-version',
    `Invalid param ${name} because current request version is ${versionText(call.version)}. ${name} is only supported from version ${versionText(since)}`,
  );
}
