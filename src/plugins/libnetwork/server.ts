/**
 * HTTP where dockerd finds it (./listener): one POST per call, JSON in and out.
 *
 * dockerd waits for ever and holds its locks meanwhile, so every call is answered within the deadline, with an error
 * if need be; a call that then succeeds after all is taken back by its `undo`. A body that should be there and is
 * empty is an error: dockerd's retries send it empty after a lost connection. Errors carry `Err` and `Error`,
 * because the network and the IPAM half of dockerd read different ones.
 * Contract: the protocol of Docker's network and IPAM plugins.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { TSchema } from 'typebox';
import type { Log } from '../../base/log.ts';
import { Failure, isFailure } from '../../model/failure.ts';
import { type ListenerOptions, openListener } from './listener.ts';
import { parserOf } from './protocol.ts';

const contentType = 'application/vnd.docker.plugins.v1.2+json';
const maximumBody = 1 << 20;

export interface Method {
  /** Parses and does it; absent body is `undefined`. */
  readonly run: (body: unknown) => Promise<object>;
  /** Takes back a call that succeeded when nobody waited any more. */
  readonly undo?: (body: unknown, answer: object) => Promise<unknown>;
}

export interface PluginServer {
  /** The file by which dockerd finds it. */
  readonly at: string;
  /** No further calls; those under way are answered first, for dockerd repeats a call that is cut off without its body. */
  close(): Promise<void>;
}

export interface PluginServerOptions extends ListenerOptions {
  readonly methods: ReadonlyMap<string, Method>;
  readonly deadlineMs: number;
  readonly log: Log;
}

/** A method with a body of the given shape. */
export function method<T extends TSchema, R, A extends object>(
  shape: T,
  run: (request: R) => Promise<A>,
  undo?: (request: R, answer: A) => Promise<unknown>,
): Method {
  const parse = parserOf(shape) as (body: unknown) => R;
  return {
    run: async (body) => run(parse(body)),
    ...(undo ? { undo: async (body: unknown, answer: object) => undo(parse(body), answer as A) } : {}),
  };
}

/** A method without a body: always the same answer. */
export function constant(answer: object): Method {
  return { run: async () => answer };
}

/** A burst of dockerd's calls has no longer pauses than this. */
const pauseMs = 100;

export async function servePlugin(options: PluginServerOptions): Promise<PluginServer> {
  const underWay = new Set<Promise<void>>();
  let lastCallAt = 0;
  let isClosing = false;
  const { server, at, withdraw } = await openListener(options, (request, response) => {
    lastCallAt = performance.now();
    if (isClosing) response.setHeader('connection', 'close');
    const call = respond(options, request, response).finally(() => underWay.delete(call));
    underWay.add(call);
  });
  // Longer than the deadline only lasts a call whose body does not come.
  const quiet = async () => {
    const end = performance.now() + options.deadlineMs;
    while (performance.now() < end) {
      if (underWay.size === 0 && performance.now() - lastCallAt > pauseMs) return;
      await delay(pauseMs / 10);
    }
  };
  return {
    at,
    close: async () => {
      // Whoever comes anew finds nobody and tries again later; who is connected is answered, until there is a pause.
      isClosing = true;
      withdraw();
      await quiet();
      const closed = new Promise<void>((resolve, reject) => {
        server.close((error) => (error ? reject(error) : resolve()));
      });
      server.closeAllConnections();
      await closed;
    },
  };
}

async function respond(
  options: PluginServerOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { log } = options;
  const call = (request.url ?? '').slice(1);
  const started = performance.now();
  try {
    const answer = await answerTo(options, call, request);
    log.debug({ call, ms: performance.now() - started }, 'answered dockerd');
    await send(response, 200, answer);
  } catch (error) {
    const ms = performance.now() - started;
    if (!isFailure(error) || error.status >= 500) log.error({ call, ms, error }, 'call of dockerd failed');
    else log.warn({ call, ms, reason: error.message }, 'call of dockerd refused');
    const message = isFailure(error)
      ? error.message
      : 'internal error of the network driver; its log has more';
    await send(response, isFailure(error) ? error.status : 500, { Err: message, Error: message });
  }
}

async function answerTo(
  options: PluginServerOptions,
  call: string,
  request: IncomingMessage,
): Promise<object> {
  if (request.method !== 'POST') throw new Failure('method-not-allowed', `${call}: only POST is allowed`);
  // A page in a browser of this machine can reach an address of loopback, too.
  if (request.headers.origin !== undefined) {
    throw new Failure('policy-not-authorized', `${call}: browsers are not answered`);
  }
  const target = options.methods.get(call);
  if (!target) throw new Failure('resource-not-found', `there is no call "${call}"`);
  const body = parseBody(await readBody(request));
  return withinDeadline(options, call, target, body);
}

async function withinDeadline(
  { deadlineMs, log }: PluginServerOptions,
  call: string,
  target: Method,
  body: unknown,
): Promise<object> {
  let isLate = false;
  const work = target.run(body).then(async (answer) => {
    if (!isLate || !target.undo) return answer;
    log.warn({ call }, 'done after the deadline: taken back');
    await target.undo(body, answer);
    return answer;
  });
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      isLate = true;
      work.catch((error: unknown) => log.warn({ call, error }, 'failed after the deadline'));
      reject(
        new Failure(
          'timeout',
          `${call}: no answer within ${deadlineMs} ms; the network driver's log has more`,
        ),
      );
    }, deadlineMs);
  });
  return Promise.race([work, deadline]).finally(() => clearTimeout(timer));
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > maximumBody)
      throw new Failure('payload-too-large', `a body of more than ${maximumBody} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parseBody(text: string): unknown {
  if (text.trim() === '') return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Failure('invalid', `the body is not JSON: ${(error as Error).message}`);
  }
}

/** Resolves when it is handed over, or nobody is there to take it. */
async function send(response: ServerResponse, status: number, body: object): Promise<void> {
  if (response.destroyed) return;
  response.writeHead(status, { 'content-type': contentType });
  const over = new Promise<void>((resolve) => {
    response.once('close', resolve);
  });
  response.end(JSON.stringify(body));
  await over;
}
