/**
 * A list's query: which objects (filters), which attributes (`fields`), in which order, which page.
 *
 * Any attribute filters; repeated it means "one of these". What the store can answer it answers (`column`), the
 * rest is decided here on the objects that it returned.
 */
import { Failure } from '../../../model/failure.ts';
import type { Json, JsonObject } from '../../../wire/network-service.ts';
import { invalidInput } from '../collection.ts';
import type { AnyAttribute, Table, Viewer } from './attribute.ts';
import { boolean, quote } from './parsers.ts';

/** Every key with all its values. */
export type Query = Readonly<Record<string, readonly string[]>>;

export interface Tagged {
  readonly tags?: readonly string[];
  readonly updatedAt: string;
}

/** Comma-separated lists of tags: all of them, any of them, not all of them, none of them. */
const tagFilters: Readonly<Record<string, (own: readonly string[], asked: readonly string[]) => boolean>> = {
  tags: (own, asked) => asked.every((tag) => own.includes(tag)),
  'tags-any': (own, asked) => asked.some((tag) => own.includes(tag)),
  'not-tags': (own, asked) => !asked.every((tag) => own.includes(tag)),
  'not-tags-any': (own, asked) => !asked.some((tag) => own.includes(tag)),
};

const controls = ['fields', 'limit', 'marker', 'page_reverse', 'sort_key', 'sort_dir'];

/** Throws for what is neither an attribute to filter by nor a word of ours. */
export function checkQuery(table: Table, query: Query): void {
  const known = (key: string) =>
    controls.includes(key) ||
    key === 'changed_since' ||
    Object.hasOwn(tagFilters, key) ||
    table.some((attribute) => attribute.name === key && isFilter(attribute));
  const unknown = Object.keys(query).filter((key) => !known(key));
  if (unknown.length === 0) return;
  const names = unknown.map(quote).join(', ');
  throw new Failure('invalid-value', `[${names}] is invalid attribute for filtering`);
}

function isFilter(attribute: AnyAttribute): boolean {
  return attribute.filter !== false && attribute.view !== undefined;
}

/** The filters that are columns, for the store. */
export function columnsOf(table: Table, query: Query): Record<string, readonly string[]> {
  const columns: Record<string, readonly string[]> = {};
  for (const { name, column } of table) {
    const values = query[name];
    if (column && values) columns[column] = values;
  }
  return columns;
}

/**
 * When a page can be found by columns alone, those that it needs: attribute → column. Undefined when there is no
 * limit, or when a filter or sort key is more than a column.
 */
export function columnsForPage(table: Table, query: Query): Record<string, string> | undefined {
  if (limitOf(query) === undefined) return undefined;
  const columnOf = (name: string) => table.find((attribute) => attribute.name === name)?.column;
  const filters = Object.keys(query).filter((key) => !controls.includes(key));
  const names = ['id', ...(query.sort_key ?? [])];
  const columns = names.flatMap((name) => {
    const column = columnOf(name);
    return column ? [[name, column] as const] : [];
  });
  const isAnswered = filters.every(columnOf) && columns.length === names.length;
  return isAnswered ? Object.fromEntries(columns) : undefined;
}

/** True for objects that all filters accept. */
export function accepts(table: Table, query: Query, viewer: Viewer): (object: Tagged) => boolean {
  const tests: ((object: Tagged) => boolean)[] = [];
  for (const attribute of table) {
    const values = query[attribute.name];
    if (values && isFilter(attribute)) tests.push((object) => matches(attribute, { object, viewer }, values));
  }
  for (const [key, holds] of Object.entries(tagFilters)) {
    const asked = query[key]?.flatMap((value) => value.split(','));
    if (asked) tests.push((object) => holds(object.tags ?? [], asked));
  }
  const since = query.changed_since?.[0];
  if (since !== undefined) tests.push(changedSince(since));
  return (object) => tests.every((test) => test(object));
}

function matches(
  attribute: AnyAttribute,
  { object, viewer }: { readonly object: Tagged; readonly viewer: Viewer },
  values: readonly string[],
): boolean {
  if (attribute.matches) return attribute.matches(object, values);
  const actual = attribute.view?.(object, viewer) ?? null;
  if (typeof actual === 'boolean') {
    return values.some((value) => boolean.parse(value, attribute.name) === actual);
  }
  if (Array.isArray(actual)) return actual.some((item: Json) => values.includes(String(item)));
  return values.includes(actual === null ? '' : String(actual));
}

function changedSince(text: string): (object: Tagged) => boolean {
  const since = Date.parse(/(Z|[+-]\d\d:?\d\d)$/.test(text) ? text : `${text}Z`);
  if (Number.isNaN(since)) throw invalidInput(`changed_since ${quote(text)} is not a time in ISO 8601.`);
  return (object) => Date.parse(object.updatedAt) >= since;
}

export interface Page {
  readonly items: readonly JsonObject[];
  /** Marker of the page after and before this one. */
  readonly next?: string;
  readonly previous?: string;
}

/** Sorts, cuts the page out and picks the fields. Views must hold `id`. */
export function paginate(
  views: readonly JsonObject[],
  query: Query,
  notFound: (id: string) => Failure,
): Page {
  const sorted = sort(views, query);
  const limit = limitOf(query);
  const marker = query.marker?.[0];
  const isReverse = query.page_reverse?.some((value) => boolean.parse(value, 'page_reverse')) ?? false;
  const at = marker === undefined ? undefined : sorted.findIndex((view) => view.id === marker);
  if (marker !== undefined && at === -1) throw notFound(marker);
  const end = sorted.length;
  const from = isReverse ? Math.max(0, (at ?? end) - (limit ?? end)) : (at ?? -1) + 1;
  const to = isReverse ? (at ?? end) : Math.min(end, from + (limit ?? end));
  const page = sorted.slice(from, to);
  const items = page.map((view) => pick(view, query.fields));
  const [first, last] = [page[0]?.id, page.at(-1)?.id];
  return {
    items,
    ...(limit !== undefined && to < end && last !== undefined ? { next: String(last) } : {}),
    ...(limit !== undefined && from > 0 && first !== undefined ? { previous: String(first) } : {}),
  };
}

/** Only the asked attributes; what does not exist is left out without complaint. */
export function pick(view: JsonObject, fields: readonly string[] | undefined): JsonObject {
  // `fields=` asks for nothing in particular.
  if (!fields?.some((name) => name !== '')) return view;
  return Object.fromEntries(Object.entries(view).filter(([name]) => fields.includes(name)));
}

function limitOf(query: Query): number | undefined {
  const text = query.limit?.[0];
  if (text === undefined) return undefined;
  if (/^\d{1,9}$/.test(text)) return Number(text) === 0 ? undefined : Number(text);
  throw invalidInput(`Limit must be an integer 0 or greater and not ${quote(text)}.`);
}

function sort(views: readonly JsonObject[], query: Query): JsonObject[] {
  const keys = query.sort_key ?? [];
  const directions = keys.map((key, index) => {
    const direction = query.sort_dir?.[index] ?? 'asc';
    if (direction !== 'asc' && direction !== 'desc') {
      throw new Failure('invalid-value', `sort_dir ${quote(direction)} is neither asc nor desc`);
    }
    if (views.length > 0 && !Object.hasOwn(views[0] ?? {}, key)) {
      throw new Failure('invalid-value', `[${quote(key)}] is invalid attribute for sort_keys`);
    }
    return direction === 'asc' ? 1 : -1;
  });
  return views.toSorted((a, b) => {
    for (const [index, key] of keys.entries()) {
      const order = compare(a[key], b[key]) * (directions[index] ?? 1);
      if (order !== 0) return order;
    }
    return 0;
  });
}

function compare(a: Json | undefined, b: Json | undefined): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  const [left, right] = [String(a ?? ''), String(b ?? '')];
  return left < right ? -1 : left > right ? 1 : 0;
}
