/**
 * YAML, in a file of its own that is loaded only when it is needed: the library is larger than all the rest.
 * (A bundler that splits the program cannot see through `await import('yaml')`, which is CommonJS.)
 */
import { parse, stringify } from 'yaml';

export function parseYaml(text: string): unknown {
  return parse(text);
}

export function toYaml(value: unknown): string {
  return stringify(value);
}
