/** A message's JSON → its value, checked: what does not match its schema is refused on either side. */
import type { TSchema } from 'typebox';
import { Compile, type Validator } from 'typebox/compile';
import { Failure } from '../model/failure.ts';

const validators = new WeakMap<TSchema, Validator>();

/** Throws `schema-validation-error`; `what` names the message. */
export function decode(schema: TSchema, json: string, what: string): unknown {
  let validator = validators.get(schema);
  if (!validator) {
    validator = Compile(schema);
    validators.set(schema, validator);
  }
  const value: unknown = JSON.parse(json);
  if (validator.Check(value)) return value;
  const first = validator.Errors(value)[0];
  throw new Failure(
    'schema-validation-error',
    `${what}: ${first?.instancePath ?? ''} ${first?.message ?? 'is invalid'}`,
  );
}
