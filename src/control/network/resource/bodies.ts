/** A request's body → a draft of the use case, by the resource's table. */
import { isDeepStrictEqual } from 'node:util';
import { Failure } from '../../../model/failure.ts';
import type { AnyAttribute, Table } from './attribute.ts';
import { quote, refuse } from './parsers.ts';

export type Body = Readonly<Record<string, unknown>>;
export type Verb = 'create' | 'update';

function badRequest(text: string): Failure {
  return new Failure('invalid-value', text);
}

/** Throws for unknown attributes, for those that cannot be given now, and for values of the wrong type. */
export function parseBody(table: Table, body: Body, verb: Verb): Record<string, unknown> {
  const byName = new Map(table.map((attribute) => [attribute.name, attribute]));
  const unknown = Object.keys(body).filter((name) => !byName.has(name));
  if (unknown.length > 0) {
    const names = unknown.map((name) => name.slice(0, 80)).join(', ');
    throw badRequest(`Unrecognized attribute(s) '${names}'`);
  }
  if (verb === 'create') requireAll(table, body);
  const draft: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(body)) {
    const attribute = byName.get(name);
    if (attribute) give(draft, attribute, value, verb);
  }
  return draft;
}

function requireAll(table: Table, body: Body): void {
  const missing = table.find((attribute) => attribute.required && body[attribute.name] === undefined);
  if (!missing) return;
  throw badRequest(`Failed to parse request. Required attribute '${missing.name}' not specified`);
}

function give(draft: Record<string, unknown>, attribute: AnyAttribute, value: unknown, verb: Verb): void {
  const { name, only, field, parser, on } = attribute;
  if (only !== undefined) {
    if (isDeepStrictEqual(value, only)) return;
    refuse(name, `${quote(value)} is not supported, only ${JSON.stringify(only)} is.`);
  }
  if (field === undefined || !parser || (on !== verb && on !== 'create-and-update')) {
    throw badRequest(
      verb === 'create'
        ? `Attribute '${name}' not allowed in POST`
        : `Cannot update read-only attribute ${name}`,
    );
  }
  const parsed = parser.parse(value, name);
  if (draft[field] !== undefined && draft[field] !== parsed) {
    throw badRequest(`${name} ${quote(value)} contradicts another attribute for the same thing`);
  }
  draft[field] = parsed;
}
