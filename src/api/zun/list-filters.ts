/**
 * What containers are chosen by: Zun's filters, and from 1.41 on labels and times; and which of their fields are told.
 *
 * `label=NAME` or `label=NAME=VALUE`, repeated for all of them. Times are ISO 8601, without a zone UTC. `fields=uuid,name` leaves
 * out the rest; as in Neutron, what a container does not have is not there.
 */
import type { ContainerFilters, LabelFilter, MoreFilters } from '../../control/container/list.ts';
import { Failure } from '../../model/failure.ts';
import type { Call, Input } from './endpoint.ts';
import { ownMinor } from './microversion.ts';
import { parseWideBoolean } from './vocabulary.ts';

const filters = {
  name: 'name',
  image: 'image',
  project_id: 'projectId',
  user_id: 'userId',
  memory: 'memoryMiB',
  host: 'host',
  task_state: 'taskState',
  status: 'status',
  auto_remove: 'autoRemove',
} as const satisfies Record<string, keyof ContainerFilters>;

const times = {
  created_since: 'createdSince',
  created_before: 'createdBefore',
  changed_since: 'changedSince',
  changed_before: 'changedBefore',
} as const;

export const filterParameters: readonly string[] = Object.keys(filters);
/** Filters that no Zun has. */
export const ownFilterParameters: readonly string[] = ['label', ...Object.keys(times)];
export const ownListParameters: readonly string[] = ['fields', ...ownFilterParameters];

/** Throws `invalid-value`. */
export function parseFilters(query: Input): ContainerFilters {
  const given = Object.entries(filters).filter(([name]) => query[name] !== undefined);
  return Object.fromEntries(given.map(([name, filter]) => [filter, toFilter(name, query[name])]));
}

function toFilter(name: string, value: unknown): unknown {
  if (name === 'auto_remove') return parseWideBoolean(name, value);
  // What is not a number matches no container's memory.
  if (name === 'memory') return /^\d{1,9}$/.test(String(value)) ? Number(value) : -1;
  return String(value);
}

export function parseMoreFilters(query: Input): MoreFilters {
  const given = Object.entries(times).filter(([name]) => query[name] !== undefined);
  return {
    labels: valuesOf(query.label).map(toLabelFilter),
    ...Object.fromEntries(given.map(([name, filter]) => [filter, toIso(name, query[name])])),
  };
}

function valuesOf(value: unknown): string[] {
  return value === undefined ? [] : [value].flat().map(String);
}

function toLabelFilter(text: string): LabelFilter {
  const at = text.indexOf('=');
  return at < 0 ? [text, null] : [text.slice(0, at), text.slice(at + 1)];
}

const isoTime = /^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})?)?$/;

function toIso(name: string, value: unknown): string {
  // A `+` that nobody escaped has become a blank.
  const text = String(value).replace(/^(.*T.*) (\d{2}:\d{2})$/, '$1+$2');
  const iso = text.replace(' ', 'T');
  const hasZone = !iso.includes('T') || /(Z|[+-]\d{2}:\d{2})$/.test(iso);
  const time = isoTime.test(text) ? Date.parse(hasZone ? iso : `${iso}Z`) : Number.NaN;
  if (!Number.isNaN(time)) return new Date(time).toISOString();
  throw new Failure('invalid-value', `${name}: '${value}' is not a time such as 2026-01-31T12:00:00Z`);
}

/** Names of the fields to tell; undefined = all. */
export function fieldsOf({ query, version }: Pick<Call, 'query' | 'version'>): Set<string> | undefined {
  if (version < ownMinor || query.fields === undefined) return undefined;
  return new Set(valuesOf(query.fields).flatMap((text) => text.split(',')));
}

export function pick(
  record: Readonly<Record<string, unknown>>,
  names: Set<string> | undefined,
): Record<string, unknown> {
  return names
    ? Object.fromEntries(Object.entries(record).filter(([name]) => names.has(name)))
    : { ...record };
}
