/** What is wrong with an input, in the words of Zun's validator (which are those of Python's jsonschema). */
import type { Validator } from 'typebox/compile';
import { Failure } from '../../model/failure.ts';

type SchemaError = ReturnType<Validator['Errors']>[number];
type Params = Readonly<Record<string, unknown>>;

const texts: Readonly<Record<string, (value: unknown, params: Params) => string>> = {
  type: (value, { type }) => `${repr(value)} is not of type ${list([type].flat())}`,
  enum: (value, { allowedValues }) => `${repr(value)} is not one of ${repr(allowedValues)}`,
  pattern: (value, { pattern }) => `${repr(value)} does not match ${repr(String(pattern))}`,
  minLength: (value) => `${repr(value)} is too short`,
  maxLength: (value) => `${repr(value)} is too long`,
  minItems: (value) => `${repr(value)} is too short`,
  maxItems: (value) => `${repr(value)} is too long`,
  maxProperties: (value) => `${repr(value)} has too many properties`,
  minimum: (value, { limit }) => `${repr(value)} is less than the minimum of ${limit}`,
  maximum: (value, { limit }) => `${repr(value)} is greater than the maximum of ${limit}`,
  required: (_value, { requiredProperties }) =>
    `${repr([requiredProperties].flat()[0])} is a required property`,
  additionalProperties: (_value, { additionalProperties }) => {
    const names = [additionalProperties].flat();
    const verb = names.length === 1 ? 'was' : 'were';
    return `Additional properties are not allowed (${list(names)} ${verb} unexpected)`;
  },
  format: (value, { format }) => `${repr(value)} is not a ${repr(format)}`,
  oneOf: (value) => `${repr(value)} is not valid under exactly one of the given schemas`,
  anyOf: (value) => `${repr(value)} is not valid under any of the given schemas`,
};

/** `where` decides how the field is introduced: Zun has two spellings. */
export function schemaFailure(
  errors: readonly SchemaError[],
  input: unknown,
  where: 'body' | 'query',
): Failure {
  // A refused extra property is reported twice; the one for the object names it.
  const error = errors.find(({ keyword }) => keyword !== 'boolean') ?? errors[0];
  if (!error) return new Failure('schema-validation-error', 'the input is not valid');
  const path = error.instancePath.split('/').slice(1);
  const value = path.reduce<unknown>((at, key) => (at as Record<string, unknown>)?.[fromPointer(key)], input);
  const text = texts[error.keyword]?.(value, error.params as Params) ?? error.message;
  const field = path.at(-1);
  if (field === undefined) return new Failure('schema-validation-error', text);
  const shown = short(typeof value === 'string' ? value : repr(value));
  const intro =
    where === 'body'
      ? `Invalid input for field '${fromPointer(field)}'.Value: '${shown}'.`
      : `Invalid input for query parameters '${fromPointer(field)}'. Value: '${shown}'.`;
  return new Failure('schema-validation-error', `${intro} ${text}`);
}

/** Of a JSON pointer. */
function fromPointer(key: string): string {
  return key.replaceAll('~1', '/').replaceAll('~0', '~');
}

function list(values: readonly unknown[]): string {
  return values.map(repr).join(', ');
}

/** As Python prints it, cut to a readable length. */
function repr(value: unknown): string {
  return short(python(value));
}

function python(value: unknown): string {
  if (value === null || value === undefined) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'string') return value.includes("'") ? JSON.stringify(value) : `'${value}'`;
  if (Array.isArray(value)) return `[${value.map(python).join(', ')}]`;
  if (typeof value !== 'object') return String(value);
  return `{${Object.entries(value)
    .map(([key, each]) => `${python(key)}: ${python(each)}`)
    .join(', ')}}`;
}

function short(text: string): string {
  return text.length > 300 ? `${text.slice(0, 300)}…` : text;
}
