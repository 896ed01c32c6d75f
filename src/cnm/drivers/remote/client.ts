/**
 * Calls of a plugin: one POST each, JSON in and out, in the words that dockerd uses. A plugin that is not there yet is tried
 * again for a while; one that does not answer is given up after the deadline. Contract: Docker's plugin protocol.
 */
import { readFileSync } from 'node:fs';
import {
  Agent as HttpAgent,
  request as httpRequest,
  type IncomingMessage,
  type RequestOptions,
} from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { text } from 'node:stream/consumers';
import { setTimeout as wait } from 'node:timers/promises';
import { Failure } from '../../../model/failure.ts';
import type { PluginAddress } from './discovery.ts';

export interface PluginClientOptions {
  /** How long a call may take. */
  readonly deadlineMs?: number;
  /** Pauses before each further try when nobody listens. */
  readonly pausesMs?: readonly number[];
}

const mediaType = 'application/vnd.docker.plugins.v1.2+json';
const mostBytes = 4 << 20;

interface Answer {
  readonly status: number;
  readonly body: string;
}

export class PluginClient {
  readonly name: string;
  readonly #address: PluginAddress;
  readonly #deadlineMs: number;
  readonly #pausesMs: readonly number[];
  readonly #agent: HttpAgent;

  constructor(
    address: PluginAddress,
    { deadlineMs = 30_000, pausesMs = [1000, 2000, 4000, 8000] }: PluginClientOptions = {},
  ) {
    this.name = address.name;
    this.#address = address;
    this.#deadlineMs = deadlineMs;
    this.#pausesMs = pausesMs;
    this.#agent = address.url?.startsWith('https:')
      ? new HttpsAgent({ ...tlsOf(address), keepAlive: true })
      : new HttpAgent({ keepAlive: true });
  }

  /** What the plugin implements: `NetworkDriver`, `IpamDriver` … */
  async activate(): Promise<readonly string[]> {
    const { Implements: kinds } = await this.call('Plugin.Activate');
    return Array.isArray(kinds) ? kinds.map(String) : [];
  }

  /** Throws `driver-refused` with the plugin's own words, `driver-unavailable` when it does not answer. */
  async call(method: string, body?: object): Promise<Record<string, unknown>> {
    const { status, body: answered } = await this.#persistently(method, body);
    const answer = parse(answered);
    const said = [answer?.Err, answer?.Error].find((one) => typeof one === 'string' && one !== '');
    if (status !== 200) {
      throw new Failure(
        'driver-refused',
        `${method}: ${said ?? (answered.trim().slice(0, 500) || `status ${status}`)}`,
        {
          detail: String(status),
        },
      );
    }
    if (said !== undefined) throw new Failure('driver-refused', `remote: ${said}`);
    if (answer) return answer;
    throw new Failure('driver-refused', `${method}: plugin ${this.name} answered what is no JSON object`);
  }

  close(): void {
    this.#agent.destroy();
  }

  async #persistently(method: string, body: object | undefined): Promise<Answer> {
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await this.#once(method, body);
      } catch (error) {
        const pause = this.#pausesMs[attempt];
        if (pause === undefined || !isAbsence(error)) throw this.#unavailable(method, error);
        await wait(pause);
      }
    }
  }

  async #once(method: string, body: object | undefined): Promise<Answer> {
    const content = body === undefined ? '' : `${JSON.stringify(body)}\n`;
    const { socketPath, url } = this.#address;
    const options: RequestOptions = {
      method: 'POST',
      agent: this.#agent,
      signal: AbortSignal.timeout(this.#deadlineMs),
      headers: { accept: mediaType, 'content-length': Buffer.byteLength(content) },
    };
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const request =
        socketPath !== undefined
          ? httpRequest({ ...options, socketPath, path: `/${method}` }, resolve)
          : (url?.startsWith('https:') ? httpsRequest : httpRequest)(
              `${url?.replace(/\/$/, '')}/${method}`,
              options,
              resolve,
            );
      request.once('error', reject);
      request.end(content);
    });
    return { status: response.statusCode ?? 0, body: await bounded(response) };
  }

  #unavailable(method: string, error: unknown): Failure {
    const why =
      error instanceof Error && error.name === 'TimeoutError'
        ? `no answer within ${this.#deadlineMs} ms`
        : String((error as Error).message);
    return new Failure('driver-unavailable', `plugin ${this.name} does not answer ${method}: ${why}`, {
      cause: error,
    });
  }
}

function bounded(response: IncomingMessage): Promise<string> {
  let size = 0;
  response.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size > mostBytes) response.destroy(new Error(`an answer of more than ${mostBytes} bytes`));
  });
  return text(response);
}

function tlsOf({ tls }: PluginAddress): object {
  const file = (path: string | undefined) => (path === undefined ? undefined : readFileSync(path));
  return {
    rejectUnauthorized: !tls?.skipVerify,
    ca: file(tls?.caFile),
    cert: file(tls?.certFile),
    key: file(tls?.keyFile),
  };
}

function isAbsence(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOENT' || code === 'ECONNREFUSED' || code === 'ECONNRESET';
}

function parse(body: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}
