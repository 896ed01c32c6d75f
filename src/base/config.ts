/**
 * Configuration: one YAML file checked by ./config-schema.ts, overridden by `BERTH_*` variables, overridden by flags.
 *
 * A variable's name is the path in capitals with underscores: `BERTH_LISTEN_PORT=9600` sets `listen.port`,
 * `BERTH_STATE_DIR` sets `stateDir`.
 */
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { Compile } from 'typebox/compile';
import { parse } from 'yaml';
import { Failure } from '../model/failure.ts';
import { type Config, ConfigSchema } from './config-schema.ts';
import { type Environment, environment } from './environment.ts';

type Tree = { [key: string]: unknown };

const check = Compile(ConfigSchema);

/**
 * Reads the file (when given), the variables and the overrides, in rising order of precedence, and fills in defaults.
 * Throws `invalid-value` naming the setting, its value and what would be right.
 */
export function loadConfig(
  options: { readonly file?: string; readonly env?: Environment; readonly overrides?: Tree } = {},
): Config {
  const tree: Tree = structuredClone(options.file ? readYaml(options.file) : {});
  applyEnvironment(tree, ConfigSchema, options.env ?? environment(), ['BERTH']);
  merge(tree, options.overrides ?? {});
  const config = fillDefaults(ConfigSchema, tree) as Config;
  if (!check.Check(config)) {
    const error = check.Errors(config)[0];
    const path = (error?.instancePath ?? '').slice(1).replaceAll('/', '.');
    const value = path.split('.').reduce<unknown>((at, key) => (at as Tree | undefined)?.[key], config);
    throw new Failure(
      'invalid-value',
      `setting ${path || '(root)'}: ${JSON.stringify(value)} ${error?.message ?? ''}`,
    );
  }
  return {
    ...config,
    agent: {
      ...config.agent,
      host: config.agent.host || hostname(),
      dockerHost: config.agent.dockerHost || (options.env ?? environment()).DOCKER_HOST || '',
    },
  };
}

function readYaml(file: string): Tree {
  let value: unknown;
  try {
    value = parse(readFileSync(file, 'utf8')) ?? {};
  } catch (error) {
    throw new Failure('invalid-value', `cannot read configuration ${file}: ${(error as Error).message}`, {
      cause: error,
    });
  }
  if (typeof value !== 'object' || Array.isArray(value)) {
    throw new Failure('invalid-value', `configuration ${file}: expected a map of settings`);
  }
  return value as Tree;
}

/** The part of a JSON schema that defaults and variables need. */
interface ObjectShape {
  readonly properties?: Record<string, object>;
  readonly type?: string;
  readonly default?: unknown;
}

function applyEnvironment(tree: Tree, schema: ObjectShape, env: Environment, path: readonly string[]): void {
  for (const [key, child] of Object.entries<ObjectShape>((schema as ObjectShape).properties ?? {})) {
    const name = [...path, key.replaceAll(/([a-z])([A-Z])/g, '$1_$2').toUpperCase()];
    if (child.properties) {
      const below = isTree(tree[key]) ? tree[key] : {};
      tree[key] = below;
      applyEnvironment(below, child, env, name);
      continue;
    }
    const text = env[name.join('_')];
    if (text === undefined) continue;
    tree[key] = settingOf(child, text);
  }
}

/** What is no number, nor true or false, stays text, so that the complaint can show it. Several values are separated by commas. */
function settingOf({ type }: ObjectShape, text: string): unknown {
  if (type === 'array') return text.split(',').filter((part) => part !== '');
  if (type === 'boolean' && (text === 'true' || text === 'false')) return text === 'true';
  const isNumber = type === 'integer' || type === 'number';
  return isNumber && Number.isFinite(Number(text)) ? Number(text) : text;
}

function merge(into: Tree, from: Tree): void {
  for (const [key, value] of Object.entries(from)) {
    if (value === undefined) continue;
    const there = into[key];
    if (isTree(value) && isTree(there)) merge(there, value);
    else into[key] = value;
  }
}

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function fillDefaults(schema: object, value: unknown): unknown {
  const shape: ObjectShape = schema;
  const filled = value === undefined ? structuredClone(shape.default) : value;
  if (!shape.properties || !isTree(filled ?? {})) return filled;
  const tree: Tree = { ...((filled as Tree | undefined) ?? {}) };
  for (const [key, child] of Object.entries(shape.properties)) {
    const filledChild = fillDefaults(child, tree[key]);
    if (filledChild !== undefined) tree[key] = filledChild;
  }
  return tree;
}
