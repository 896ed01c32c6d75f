/** Which web sites' pages may open a WebSocket. A browser names the page's origin, which the page cannot change; other clients need none. */
import type { FastifyRequest } from 'fastify';
import { Failure } from '../../model/failure.ts';
import { baseUrlOf } from '../base-url.ts';

export interface OriginRules {
  readonly publicUrl: string;
  readonly allowedOrigins: readonly string[];
}

/** Not by `URL`: Zun's client writes `https://host:None` when the address has no port. */
const originPattern = /^(https?):\/\/(\[[\da-f:.]+\]|[^:/[\]]+)(:\w+)?$/i;

/**
 * Good are no origin at all, one with the scheme and host name of this server as the client calls it, whatever the port, and those that
 * are allowed by name. Throws `origin-not-allowed`.
 */
export function assertOrigin(request: FastifyRequest, rules: OriginRules): void {
  const { origin } = request.headers;
  if (origin === undefined || rules.allowedOrigins.some((each) => isSame(each, origin))) return;
  if (siteOf(origin) !== undefined && siteOf(origin) === siteOf(baseUrlOf(request, rules))) return;
  throw new Failure('origin-not-allowed', `Pages of ${origin.slice(0, 200)} may not open WebSockets here.`);
}

function isSame(allowed: string, origin: string): boolean {
  return allowed.toLowerCase() === origin.toLowerCase();
}

function siteOf(url: string): string | undefined {
  const [, scheme, host] = originPattern.exec(url.replace(/(?<=\w:\/\/[^/]+)\/.*$/, '')) ?? [];
  return scheme && host && `${scheme}://${host}`.toLowerCase();
}
