/**
 * Checks what a client sent against a schema; the first fault becomes a 400 that names the field, its value and
 * what would be right. Values of secret fields are never repeated.
 */
import type { Static, TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { redactedKeys } from '../base/log.ts';
import { Failure } from '../model/failure.ts';
import { malformedJson } from './server.ts';

/** What the schema library says about one fault. */
interface Fault {
  readonly keyword: string;
  /** JSON pointer into the value. */
  readonly instancePath: string;
  readonly message: string;
  readonly params: object;
}

const longestValue = 100;

/** Compiles once; the returned function throws `schema-validation-error` or hands the value back, typed. */
export function compileCheck<S extends TSchema>(schema: S): (value: unknown) => Static<S> {
  const compiled = Compile(schema);
  return (value) => {
    if (value === malformedJson || Buffer.isBuffer(value)) {
      throw new Failure('schema-validation-error', 'Expecting to find valid JSON in request body.');
    }
    const sent = value ?? {};
    if (compiled.Check(sent)) return sent as Static<S>;
    throw new Failure('schema-validation-error', explain(compiled.Errors(sent), sent));
  };
}

function explain(faults: readonly Fault[], value: unknown): string {
  const [fault] = faults;
  if (!fault) return 'The request body is not valid.';
  if (fault.keyword === 'required') return explainMissing(fault);
  const path = pathOf(fault);
  const field = path.join('.');
  // A field that is not allowed is reported as "schema is false" before the fault of the object around it.
  if (fault.keyword === 'boolean') return `Invalid input for field '${field}': there is no such field.`;
  const alternatives = faults.filter(
    (other) => other.instancePath === fault.instancePath && other.keyword === fault.keyword,
  );
  const wanted = [...new Set(alternatives.map(rightValue))].join(' or ');
  return `Invalid input for field '${field || 'body'}': ${shown(path, value)} ${wanted}.`;
}

function explainMissing(fault: Fault): string {
  const [missing = ''] = (fault.params as { requiredProperties?: string[] }).requiredProperties ?? [];
  const around = pathOf(fault).join('.');
  return around === ''
    ? `Expecting to find ${missing} in request body.`
    : `Invalid input for field '${around}': '${missing}' is a required property.`;
}

function rightValue(fault: Fault): string {
  if (fault.keyword !== 'enum') return fault.message;
  const { allowedValues = [] } = fault.params as { allowedValues?: unknown[] };
  return `must be one of ${allowedValues.join(', ')}`;
}

function pathOf(fault: Fault): string[] {
  return fault.instancePath
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function shown(path: readonly string[], value: unknown): string {
  if (path.some((part) => isSecret(part))) return 'the value';
  const at = path.reduce<unknown>((around, key) => (around as Record<string, unknown>)?.[key], value);
  if (typeof at === 'object' && at !== null) return 'the value';
  const text = JSON.stringify(at) ?? 'undefined';
  return text.length <= longestValue ? text : `${text.slice(0, longestValue)}…`;
}

function isSecret(field: string): boolean {
  return redactedKeys.some((key) => field.toLowerCase().includes(key));
}
