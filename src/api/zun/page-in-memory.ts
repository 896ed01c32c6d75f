/** Lists of things that are few: sorted and cut here rather than in the store. */
import { Failure } from '../../model/failure.ts';
import type { Call } from './endpoint.ts';
import { nextLink, parsePage } from './paging.ts';

interface Listed {
  readonly uuid: string;
  readonly [field: string]: unknown;
}

export interface ListKind {
  /** The member of the reply, which is also the last part of the path. */
  readonly collection: string;
  readonly defaultSortKey: string;
  readonly sortKeys: readonly string[];
  readonly maxLimit: number;
  readonly unknownMarker: (marker: string) => Failure;
}

/** One page, and the link to the next. `all` is in the order in which things of equal keys stay. */
export function pageOf<T extends Listed>(
  all: readonly T[],
  call: Call,
  { collection, defaultSortKey, sortKeys, maxLimit, unknownMarker }: ListKind,
): { readonly items: readonly T[]; readonly next: string | null } {
  const page = parsePage(call.query, { defaultSortKey, maxLimit });
  const key = page.sortKey;
  if (!sortKeys.includes(key)) {
    throw new Failure(
      'invalid-parameter-value',
      `The sort_key value "${key}" is an invalid field for sorting`,
    );
  }
  const sign = page.descending ? -1 : 1;
  const sorted = [...all].sort((a, b) => sign * compare(a[key], b[key]));
  const after = page.marker === undefined ? -1 : sorted.findIndex(({ uuid }) => uuid === page.marker);
  if (page.marker !== undefined && after < 0) throw unknownMarker(page.marker);
  const items = sorted.slice(after + 1, after + 1 + page.limit);
  const ids = items.map(({ uuid }) => uuid);
  return { items, next: nextLink(call, collection, page, ids) };
}

/** Nulls first, as in the store. */
function compare(a: unknown, b: unknown): number {
  if (a === b) return 0;
  if (a === null || a === undefined) return -1;
  if (b === null || b === undefined) return 1;
  return a < b ? -1 : 1;
}
