/**
 * One request to the Engine over its unix socket, and nothing else: path, query, body, deadline.
 *
 * All calls go through here, so that path components are always encoded and every call has a deadline: a dockerd that
 * hangs neither answers nor closes the connection. Node's own client is used as it is; a library around it would cost the
 * server a fifth of its memory.
 */
import { Agent, type IncomingMessage, request as send } from 'node:http';
import type { Socket } from 'node:net';
import { type Duplex, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { Failure } from '../model/failure.ts';
import { Refusal, toFailure, unavailable } from './failures.ts';

/** Of Docker 20.10, the oldest Engine that Berth is used with. */
const apiVersion = 'v1.41';
const usualSocket = '/var/run/docker.sock';
const usualDeadlineMs = 60_000;
const okStatuses = [200, 201, 204];

export interface EngineRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE';
  /** Components are encoded and joined: `['containers', id, 'json']`. */
  readonly path: readonly string[];
  readonly query?: Readonly<Record<string, unknown>>;
  readonly body?: object;
  /** A tar archive, for PUT; a stream is read as fast as the Engine takes it. */
  readonly file?: Buffer | Readable;
  readonly headers?: Readonly<Record<string, string>>;
  /** Statuses that are not errors besides 200, 201 and 204. */
  readonly alsoOk?: readonly number[];
  /** Until the answer is complete; for streams, until it begins. */
  readonly deadlineMs?: number;
  readonly signal?: AbortSignal;
}

/** `DOCKER_HOST` → path of a unix socket. Throws `invalid-value`: the Engine is reached on this machine only. */
export function socketPathOf(dockerHost: string): string {
  if (dockerHost === '') return usualSocket;
  const path = dockerHost.startsWith('unix://') ? dockerHost.slice('unix://'.length) : dockerHost;
  if (path.startsWith('/')) return path;
  throw new Failure(
    'invalid-value',
    `DOCKER_HOST ${JSON.stringify(dockerHost)}: Berth speaks to Docker on its own machine only, by a unix socket such as unix://${usualSocket}`,
  );
}

export class EngineSocket {
  readonly path: string;
  readonly #agent = new Agent({ keepAlive: true });

  constructor(path: string) {
    this.path = path;
  }

  /** The answer's JSON; undefined when it is not JSON. Throws Failures. `what` is for the log. */
  async request<T>(what: string, request: EngineRequest): Promise<T> {
    const read = async (answer: IncomingMessage) => parsed(await text(answer));
    return (await this.#run(what, request, read)) as T;
  }

  /** The answer's body as it comes. */
  async stream(what: string, request: EngineRequest): Promise<IncomingMessage> {
    return this.#run(what, request, async (answer) => answer);
  }

  /** A connection that is the Engine's other end from now on: what is written goes to the process. */
  async upgrade(what: string, { method, path, query, body }: EngineRequest): Promise<Duplex> {
    const { promise, resolve, reject } = Promise.withResolvers<Duplex>();
    const sent = send({
      socketPath: this.path,
      method,
      path: pathOf({ method, path, ...(query && { query }) }),
      headers: { ...typeOf({ method, path, ...(body && { body }) }), connection: 'Upgrade', upgrade: 'tcp' },
      timeout: usualDeadlineMs,
    });
    sent.on('upgrade', (_answer, socket: Socket, head) => {
      socket.setTimeout(0);
      if (head.length > 0) socket.unshift(head);
      // A process that ends without reading what it is given: its output tells.
      socket.on('error', () => undefined);
      resolve(socket);
    });
    sent.on('response', (answer) => {
      text(answer).then((said) => reject(refusalOf(answer, said)), reject);
    });
    sent.on('timeout', () => sent.destroy(new Error(`no answer within ${usualDeadlineMs / 1000} s`)));
    sent.on('error', reject);
    sent.end(body && JSON.stringify(body));
    return promise.catch((error) => {
      throw toFailure(what, this.path, error);
    });
  }

  /** What is thrown when an answer takes longer than that. */
  silence(what: string, deadlineMs: number): Failure {
    return unavailable(this.path, `${what}: no answer within ${deadlineMs / 1000} s`);
  }

  close(): void {
    this.#agent.destroy();
  }

  async #run<T>(
    what: string,
    request: EngineRequest,
    read: (answer: IncomingMessage) => Promise<T>,
  ): Promise<T> {
    const abort = new AbortController();
    const deadlineMs = request.deadlineMs ?? usualDeadlineMs;
    const { promise: ended, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => reject(this.silence(what, deadlineMs)), deadlineMs);
    const onAbort = () => reject(request.signal?.reason);
    request.signal?.addEventListener('abort', onAbort);
    let isDone = false;
    try {
      const answer = this.#send(request, abort.signal).then(read);
      const result = await Promise.race([answer, ended]);
      isDone = true;
      return result;
    } catch (error) {
      if (request.signal?.aborted) throw error;
      throw toFailure(what, this.path, error);
    } finally {
      clearTimeout(timer);
      request.signal?.removeEventListener('abort', onAbort);
      if (!isDone) abort.abort();
    }
  }

  /** Resolves when the answer begins; its body must be read. Throws a Refusal for a status that is not asked for. */
  async #send(request: EngineRequest, signal: AbortSignal): Promise<IncomingMessage> {
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const sent = send(
      {
        socketPath: this.path,
        agent: this.#agent,
        method: request.method,
        path: pathOf(request),
        headers: { ...request.headers, ...typeOf(request) },
        signal,
      },
      resolve,
    );
    sent.on('error', reject);
    const { file, body } = request;
    if (file instanceof Readable) pipeline(file, sent).catch(reject);
    else sent.end(file ?? (body && JSON.stringify(body)));
    const answer = await promise;
    const status = answer.statusCode ?? 0;
    if ([...okStatuses, ...(request.alsoOk ?? [])].includes(status)) return answer;
    throw refusalOf(answer, await text(answer));
  }
}

function refusalOf({ statusCode = 0 }: IncomingMessage, said: string): Refusal {
  return new Refusal(statusCode, (parsed(said) as { message?: string } | undefined)?.message ?? said);
}

function pathOf({ path, query = {} }: EngineRequest): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) search.set(name, String(value));
  return `/${[apiVersion, ...path].map(encodeURIComponent).join('/')}?${search}`;
}

function typeOf({ file, body }: EngineRequest): Record<string, string> {
  if (file) return { 'content-type': 'application/x-tar' };
  return body ? { 'content-type': 'application/json' } : {};
}

function parsed(said: string): unknown {
  try {
    return JSON.parse(said);
  } catch {
    return undefined;
  }
}
