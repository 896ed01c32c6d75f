/**
 * The part of `fetch` that the client uses, over node:http: a command that makes two requests should not pay for
 * loading a whole `fetch` (measured: 10 ms instead of 100 ms of a command's life). No connection is kept.
 */

import { readFileSync } from 'node:fs';
import type http from 'node:http';
import { StringDecoder } from 'node:string_decoder';
import type { Fetch, FetchInit, FetchReply } from '../../client/http.ts';

export interface TlsOptions {
  /** A file of certificate authorities to trust. */
  readonly cacert?: string | undefined;
  readonly insecure?: boolean | undefined;
}

export function createFetch(tls: TlsOptions = {}): Fetch {
  return async (url, init) => {
    if (url.startsWith('http:')) return exchange(builtinHttp().request, url, init, {});
    const https = await import('node:https');
    const { rootCertificates } = await import('node:tls');
    return exchange(https.request, url, init, {
      ...(tls.cacert ? { ca: [...rootCertificates, readFileSync(tls.cacert, 'utf8')] } : {}),
      ...(tls.insecure ? { rejectUnauthorized: false } : {}),
    });
  };
}

/**
 * Not by `import`: that reads every export of the module, and some of them load a WebSocket client and a `fetch` when
 * they are read (measured: 40 ms).
 */
function builtinHttp(): typeof http {
  return process.getBuiltinModule('node:http');
}

function exchange(
  open: typeof http.request,
  url: string,
  init: FetchInit,
  options: object,
): Promise<FetchReply> {
  const { method, signal, body } = init;
  const headers = { ...init.headers, 'content-length': String(Buffer.byteLength(body ?? '')) };
  return new Promise((resolve, reject) => {
    // The signal's own reason tells a deadline from a broken connection.
    const fail = (error: Error) => reject(signal.aborted ? signal.reason : error);
    const request = open(url, { method, headers, signal, agent: false, ...options }, (response) => {
      const chunks: Buffer[] = [];
      const isGood = (response.statusCode ?? 0) < 400;
      const decoder = init.onText && isGood ? new StringDecoder('utf8') : undefined;
      response.on('data', (chunk: Buffer) => {
        if (decoder) init.onText?.(decoder.write(chunk));
        else chunks.push(chunk);
      });
      response.on('error', fail);
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          statusText: response.statusMessage ?? '',
          headers: { get: (name) => headerOf(response.headers[name.toLowerCase()]) },
          text: async () => Buffer.concat(chunks).toString('utf8'),
        }),
      );
    });
    request.on('error', fail);
    request.end(body);
  });
}

function headerOf(value: string | string[] | undefined): string | null {
  return (Array.isArray(value) ? value[0] : value) ?? null;
}
