/**
 * A client made of the OpenAPI document and nothing else: which operations there are, what their paths, parameters and bodies look like,
 * which microversion to ask for, and what the answer has to be. Names of things that are there come from outside.
 */
import { type TSchema, Type } from 'typebox';
import { Compile } from 'typebox/compile';

type Json = Readonly<Record<string, unknown>>;
type Schema = Json;

interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query';
  readonly required?: boolean;
  readonly schema: Schema;
}

interface Operation {
  readonly operationId: string;
  readonly parameters: readonly (Parameter | { readonly $ref: string })[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> };
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema: Schema }>> }>
  >;
  readonly 'x-since'?: string;
  readonly 'x-until'?: string;
  readonly 'x-not-yet'?: string;
}

export interface Document {
  readonly info: { readonly version: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

export interface DocumentedOperation {
  /** `POST /v1/containers/{ident}/start` */
  readonly key: string;
  readonly method: string;
  readonly path: string;
  readonly operation: Operation;
  /** The newest microversion that has it. */
  readonly version: string;
}

export interface BuiltRequest {
  readonly method: string;
  readonly url: string;
  readonly version: string;
  readonly body?: unknown;
}

export function operationsOf({ paths, info }: Document): DocumentedOperation[] {
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([lower, operation]) => ({
      key: `${lower.toUpperCase()} ${path}`,
      method: lower.toUpperCase(),
      path,
      operation,
      version: operation['x-until'] ?? info.version,
    })),
  );
}

/** All that the document requires, and of the rest what `known` has a value for. */
export function requestFor(
  { method, path, operation, version }: DocumentedOperation,
  known: Readonly<Record<string, unknown>>,
): BuiltRequest {
  const parameters = operation.parameters.filter((each): each is Parameter => 'in' in each);
  const valueFor = ({ name, schema }: Pick<Parameter, 'name' | 'schema'>) => known[name] ?? example(schema);
  const query = new URLSearchParams();
  let url = path;
  for (const parameter of parameters) {
    if (parameter.in === 'path')
      url = url.replace(`{${parameter.name}}`, encodeURIComponent(String(valueFor(parameter))));
    else if (parameter.required || parameter.name in known)
      query.set(parameter.name, String(valueFor(parameter)));
  }
  const body = operation.requestBody?.content['application/json']?.schema;
  return {
    method,
    url: query.size === 0 ? url : `${url}?${query}`,
    version,
    ...(body ? { body: bodyFor(body, without(known, query)) } : {}),
  };
}

/** What is said in the query string is not said again. */
function without(known: Readonly<Record<string, unknown>>, query: URLSearchParams): Json {
  return Object.fromEntries(Object.entries(known).filter(([name]) => !query.has(name)));
}

function bodyFor(schema: Schema, known: Readonly<Record<string, unknown>>): Json {
  const properties = Object.entries((schema.properties ?? {}) as Record<string, Schema>);
  const required = (schema.required ?? []) as readonly string[];
  const given = properties.filter(([name]) => required.includes(name) || name in known);
  return Object.fromEntries(given.map(([name, each]) => [name, known[name] ?? example(each)]));
}

/** The simplest value that a schema lets through, as far as its own words tell. */
function example(schema: Schema): unknown {
  const { enum: words, properties, required = [], minLength = 1 } = schema;
  if (Array.isArray(words)) return words[0];
  const type = [schema.type].flat()[0];
  if (type === 'object')
    return Object.fromEntries(
      Object.entries((properties ?? {}) as Record<string, Schema>)
        .filter(([name]) => (required as string[]).includes(name))
        .map(([name, each]) => [name, example(each)]),
    );
  if (type === 'array') return [];
  if (type === 'boolean') return true;
  const isDigits = String(schema.pattern ?? '').startsWith('^[0-9]');
  if (type === 'integer' || type === 'number' || isDigits) return Math.max(1, Number(schema.minimum ?? 1));
  return 'a'.repeat(Math.max(Number(minLength), /\{(\d+)\}\$$/.test(String(schema.pattern)) ? 64 : 3));
}

export function successOf({ responses }: Operation): number {
  return Number(Object.keys(responses).find((status) => status !== 'default'));
}

/** What is wrong with an answer by the document; empty = nothing. */
export function complaints(operation: Operation, status: number, body: unknown): readonly unknown[] {
  if (status !== successOf(operation)) return [`status ${status} is not declared`, body];
  const content = operation.responses[status]?.content;
  const schema = (content?.['application/json'] ?? content?.['text/event-stream'])?.schema;
  if (!schema) return body === '' ? [] : ['a body that is not declared', body];
  const validator = Compile(Type.Unsafe(schema as TSchema));
  return validator.Check(body) ? [] : [...validator.Errors(body)];
}
