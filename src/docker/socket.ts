/**
 * One request to the Engine over its unix socket, and nothing else: path, query, body, deadline.
 *
 * All calls go through the client's `dial`, so that path components are always encoded and every call has a
 * deadline: when dockerd dies in the middle of an answer, the client's own promise never settles.
 */
import { Agent } from 'node:http';
import type { Readable } from 'node:stream';
import Docker from 'dockerode';
import { Failure } from '../model/failure.ts';
import { toFailure, unavailable } from './failures.ts';

/** Of Docker 20.10, the oldest Engine that Berth is used with. */
const apiVersion = 'v1.41';
const usualSocket = '/var/run/docker.sock';
const usualDeadlineMs = 60_000;

export interface EngineRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE';
  /** Components are encoded and joined: `['containers', id, 'json']`. */
  readonly path: readonly string[];
  readonly query?: Readonly<Record<string, unknown>>;
  readonly body?: object;
  /** A tar archive, for PUT. */
  readonly file?: Buffer;
  /** Statuses that are not errors besides 200, 201 and 204. */
  readonly alsoOk?: readonly number[];
  /** Until the answer is complete; for streams, until it begins. */
  readonly deadlineMs?: number;
  readonly signal?: AbortSignal;
}

interface Dial {
  dial(options: object, callback: (error: unknown, answer: unknown) => void): void;
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
  readonly #modem: Dial;

  constructor(path: string) {
    this.path = path;
    // `host` and `port` are named so that the client's own reading of DOCKER_HOST does not win.
    const options = {
      socketPath: path,
      version: apiVersion,
      agent: this.#agent,
      host: undefined,
      port: undefined,
    };
    this.#modem = new Docker(options as unknown as Docker.DockerOptions).modem as Dial;
  }

  /** The answer's JSON; a Buffer when it is not JSON. Throws Failures. `what` is for the log. */
  async request<T>(what: string, request: EngineRequest): Promise<T> {
    return (await this.#run(what, request, false)) as T;
  }

  /** The answer's body as it comes. */
  async stream(what: string, request: EngineRequest): Promise<Readable> {
    return (await this.#run(what, request, true)) as Readable;
  }

  close(): void {
    this.#agent.destroy();
  }

  async #run(what: string, request: EngineRequest, isStream: boolean): Promise<unknown> {
    const abort = new AbortController();
    const deadlineMs = request.deadlineMs ?? usualDeadlineMs;
    const { promise: ended, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(
      () => reject(unavailable(this.path, `${what}: no answer within ${deadlineMs / 1000} s`)),
      deadlineMs,
    );
    const onAbort = () => reject(request.signal?.reason);
    request.signal?.addEventListener('abort', onAbort);
    let isDone = false;
    try {
      const answer = await Promise.race([this.#dial(request, isStream, abort.signal), ended]);
      isDone = true;
      return answer;
    } catch (error) {
      if (request.signal?.aborted) throw error;
      throw toFailure(what, this.path, error);
    } finally {
      clearTimeout(timer);
      request.signal?.removeEventListener('abort', onAbort);
      if (!isDone) abort.abort();
    }
  }

  #dial(request: EngineRequest, isStream: boolean, abortSignal: AbortSignal): Promise<unknown> {
    const okStatuses = [200, 201, 204, ...(request.alsoOk ?? [])];
    return new Promise((resolve, reject) => {
      this.#modem.dial(
        {
          method: request.method,
          path: `/${request.path.map(encodeURIComponent).join('/')}?`,
          // Both must be there, or the client sends the one as the other.
          options: { _query: request.query ?? {}, _body: request.body ?? {} },
          file: request.file,
          isStream,
          abortSignal,
          statusCodes: Object.fromEntries(okStatuses.map((status) => [status, true])),
        },
        (error, answer) => (error ? reject(error) : resolve(answer)),
      );
    });
  }
}
