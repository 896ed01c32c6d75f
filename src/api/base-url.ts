/** How the asking client reaches this server: what links and the catalog start with. */
import type { FastifyRequest } from 'fastify';

const hostPattern = /^[\w.-]+(:\d+)?$|^\[[\da-f:.]+\](:\d+)?$/i;

/**
 * The configured public URL, else scheme and host as the client called them; no slash at the end.
 * A Host header that is no host name is not repeated.
 */
export function baseUrlOf(request: FastifyRequest, { publicUrl }: { readonly publicUrl: string }): string {
  if (publicUrl !== '') return publicUrl.replace(/\/+$/, '');
  return `${request.protocol}://${hostPattern.test(request.host) ? request.host : 'localhost'}`;
}
