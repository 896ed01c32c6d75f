/** Limit, marker, sort key and direction of lists, and the link to the next page. */
import { Failure } from '../../model/failure.ts';
import type { Call, Input } from './endpoint.ts';

export const pagingParameters = [
  'limit',
  'marker',
  'sort_key',
  'sort_dir',
  'resource_url',
  'expand',
] as const;

export interface Page {
  readonly limit: number;
  readonly marker?: string;
  readonly sortKey: string;
  readonly descending: boolean;
}

/** Throws `invalid-value`. */
export function parsePage(
  query: Input,
  { defaultSortKey, maxLimit }: { readonly defaultSortKey: string; readonly maxLimit: number },
): Page {
  const { marker, sort_key: sortKey = defaultSortKey, sort_dir: direction = 'asc' } = query;
  if (direction !== 'asc' && direction !== 'desc') {
    throw new Failure(
      'invalid-value',
      `Invalid sort direction: ${direction}. Acceptable values are 'asc' or 'desc'`,
    );
  }
  return {
    limit: parseLimit(query.limit, maxLimit),
    ...(marker === undefined ? {} : { marker: String(marker) }),
    sortKey: String(sortKey),
    descending: direction === 'desc',
  };
}

/** At most, and by default, `maxLimit`. Throws `invalid-value`. */
export function parseLimit(limit: unknown, maxLimit: number): number {
  if (limit === undefined) return maxLimit;
  const value = /^\d+$/.test(String(limit)) ? Number(limit) : 0;
  if (value > 0) return Math.min(value, maxLimit);
  throw new Failure('invalid-value', 'Limit must be positive integer');
}

/** Null unless the page is full. Filters are repeated, so that the next page is of the same list. */
export function nextLink(
  call: Pick<Call, 'baseUrl' | 'query'>,
  collection: string,
  page: Page,
  ids: readonly string[],
): string | null {
  const last = ids.at(-1);
  if (last === undefined || ids.length < page.limit) return null;
  const parameters = withoutPaging(call.query);
  parameters.set('sort_key', page.sortKey);
  parameters.set('sort_dir', page.descending ? 'desc' : 'asc');
  return linkTo(call, collection, parameters, { limit: page.limit, last });
}

export interface PageEnd {
  readonly limit: number;
  readonly last: string;
}

/** The same request for what comes after the page, for collections that are in one order only. */
export function linkAfter(call: Pick<Call, 'baseUrl' | 'query'>, collection: string, end: PageEnd): string {
  return linkTo(call, collection, withoutPaging(call.query), end);
}

function linkTo(
  { baseUrl }: Pick<Call, 'baseUrl'>,
  collection: string,
  parameters: URLSearchParams,
  { limit, last }: PageEnd,
): string {
  parameters.set('limit', String(limit));
  parameters.set('marker', last);
  return `${baseUrl}/v1/${collection}?${parameters}`;
}

/** What was asked for, but which page of it. */
function withoutPaging(query: Input): URLSearchParams {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if ((pagingParameters as readonly string[]).includes(name)) continue;
    for (const each of [value].flat()) parameters.append(name, String(each));
  }
  return parameters;
}
