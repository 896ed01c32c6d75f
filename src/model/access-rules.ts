/**
 * Whether the access rules of an application credential allow a request: one rule must name the service's type, the
 * method and the path.
 *
 * Patterns are a user's own text, so they are matched without regular expressions: the work is bounded by pattern
 * length × path length, whatever the pattern.
 */
import type { AccessRule } from './identity.ts';

export interface AccessRequest {
  /** Service type in the catalog, e.g. `network`. */
  readonly service: string;
  readonly method: string;
  /** Without the query. */
  readonly path: string;
}

export function isAllowed(rules: readonly AccessRule[], request: AccessRequest): boolean {
  return rules.some(
    (rule) =>
      rule.service === request.service &&
      rule.method === request.method &&
      matchesPath(rule.path, request.path),
  );
}

/** `**` = anything, `*` and `{name}` = one or more characters of one segment, the rest is meant literally. */
export function matchesPath(pattern: string, path: string): boolean {
  const parts = pattern.match(/\*\*|\*|\{[^/{}]*\}|[\s\S]/gu) ?? [];
  let places = skipAnything(parts, [0]);
  for (const char of path) {
    const next = places.flatMap((place) => step(parts[place], char, place));
    places = skipAnything(parts, next);
  }
  return places.includes(parts.length);
}

/** Places in the pattern after reading one character at `place`. */
function step(part: string | undefined, char: string, place: number): number[] {
  if (part === undefined) return [];
  if (part === '**') return [place];
  if (part === '*' || (part.startsWith('{') && part.length > 1))
    return char === '/' ? [] : [place, place + 1];
  return part === char ? [place + 1] : [];
}

/** Adds the places behind every `**` reached, which may stand for nothing; each place once. */
function skipAnything(parts: readonly string[], places: readonly number[]): number[] {
  const all = new Set(places);
  for (const place of all) if (parts[place] === '**') all.add(place + 1);
  return [...all];
}
