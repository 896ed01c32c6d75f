/**
 * What lists and shows of containers take from 1.41 on: labels, times, and which fields to tell.
 *
 * `label=NAME` or `label=NAME=VALUE`, repeated for all of them. Times are ISO 8601, without a zone UTC. `fields=uuid,name` leaves
 * out the rest; as in Neutron, what a container does not have is not there.
 */
import type { LabelFilter, MoreFilters } from '../../control/container/list.ts';
import { Failure } from '../../model/failure.ts';
import type { Call, Input } from './endpoint.ts';
import { ownMinor } from './microversion.ts';

const times = {
  created_since: 'createdSince',
  created_before: 'createdBefore',
  changed_since: 'changedSince',
  changed_before: 'changedBefore',
} as const;

export const ownListParameters = ['fields', 'label', ...Object.keys(times)] as const;

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
