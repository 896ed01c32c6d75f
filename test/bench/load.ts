/** Asks the API from several connections at once: how many a second, how long the slowest take, and what it costs. */
import http from 'node:http';
import { text } from 'node:stream/consumers';
import { type Figure, rounded } from './figures.ts';
import type { Server } from './server.ts';

export interface Ask {
  readonly method?: 'POST';
  readonly path: string;
  /** JSON. */
  readonly body?: string;
}

export interface LoadResult {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Of the server's whole process. */
  readonly processorMs: number;
}

/** Asks as often as there is time for, or once for each of `asks`; throws at the first answer that is not 2xx. */
export async function putLoad(
  server: Server,
  token: string,
  work: { readonly atOnce: number } & (
    | { readonly ask: Ask; readonly ms: number }
    | { readonly asks: readonly Ask[] }
  ),
): Promise<LoadResult> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: work.atOnce });
  const asks = 'asks' in work ? work.asks.values() : repeated(work.ask, performance.now() + work.ms);
  const took: number[] = [];
  const [start, before] = [performance.now(), server.processorSeconds()];
  const worker = async () => {
    for (const ask of asks) {
      const asked = performance.now();
      await answered(agent, server.url, token, ask);
      took.push(performance.now() - asked);
    }
  };
  await Promise.all(Array.from({ length: work.atOnce }, worker));
  const seconds = (performance.now() - start) / 1000;
  agent.destroy();
  const processorMs = ((server.processorSeconds() - before) * 1000) / took.length;
  return {
    perSecond: took.length / seconds,
    p50Ms: quantile(took, 0.5),
    p99Ms: quantile(took, 0.99),
    processorMs,
  };
}

/** A row: the rate, and the rest beside it. */
export function loadFigure(what: string, { perSecond, p50Ms, p99Ms, processorMs }: LoadResult): Figure {
  const besides = `p50 ${rounded(p50Ms)} ms, p99 ${rounded(p99Ms)} ms, ${rounded(processorMs)} ms of processor each`;
  return { what, ours: perSecond, unit: '/s', besides };
}

export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

function* repeated(ask: Ask, end: number): Generator<Ask> {
  while (performance.now() < end) yield ask;
}

function answered(agent: http.Agent, url: string, token: string, { method, path, body }: Ask): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const headers = {
    'x-auth-token': token,
    'openstack-api-version': 'container 1.41',
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
  };
  const request = http.request(`${url}${path}`, { agent, method: method ?? 'GET', headers }, (response) => {
    const { statusCode = 0 } = response;
    if (statusCode >= 200 && statusCode <= 299) response.resume().once('end', resolve);
    else text(response).then((said) => reject(new Error(`${path}: ${statusCode} ${said}`)), reject);
  });
  request.once('error', reject).end(body);
  return promise;
}
