/**
 * Images in the Docker engine, the command line's only contact with it: the demo brings its own image, so that it
 * needs no registry. Everything else about Docker is the agent's.
 */
import http from 'node:http';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Failure } from '../../model/failure.ts';

/** How to reach the engine: `unix:///path`, `tcp://host:port`, or nothing for the usual socket. */
export interface EngineAddress {
  readonly dockerHost: string | undefined;
}

const version = '/v1.41';

export async function importImage(
  engine: EngineAddress,
  name: string,
  { tar, changes }: { readonly tar: Readable; readonly changes: readonly string[] },
): Promise<void> {
  const query = new URLSearchParams([
    ['fromSrc', '-'],
    ['repo', name],
    ['tag', 'latest'],
    ...changes.map((change): [string, string] => ['changes', change]),
  ]);
  const { status, text } = await ask(engine, { method: 'POST', path: `/images/create?${query}`, body: tar });
  // Errors that come up while the engine reads arrive with a good status, as a line of the answer.
  if (status === 200 && !text.includes('"error"')) return;
  throw new Failure('docker-error', `Docker cannot import the image ${name}: ${messageOf(text)}`);
}

export async function hasImage(engine: EngineAddress, name: string): Promise<boolean> {
  const { status, text } = await ask(engine, { method: 'GET', path: `/images/${name}/json` });
  if (status === 200 || status === 404) return status === 200;
  throw new Failure('docker-error', `Docker cannot look at the image ${name}: ${messageOf(text)}`);
}

/** Missing is success. */
export async function removeImage(engine: EngineAddress, name: string): Promise<void> {
  const { status, text } = await ask(engine, { method: 'DELETE', path: `/images/${name}` });
  if (status === 200 || status === 404) return;
  throw new Failure('docker-error', `Docker cannot remove the image ${name}: ${messageOf(text)}`);
}

interface Question {
  readonly method: string;
  readonly path: string;
  readonly body?: Readable;
}

async function ask(engine: EngineAddress, question: Question): Promise<{ status: number; text: string }> {
  const { method, path, body } = question;
  const address = addressOf(engine.dockerHost || 'unix:///var/run/docker.sock');
  const headers = body ? { 'content-type': 'application/x-tar', 'transfer-encoding': 'chunked' } : {};
  const request = http.request({ ...address, method, path: `${version}${path}`, headers, agent: false });
  const answered = new Promise<http.IncomingMessage>((resolve, reject) => {
    request.on('response', resolve);
    request.on('error', reject);
  });
  try {
    if (body) await Promise.all([pipeline(body, request), answered]);
    else request.end();
    const response = await answered;
    let text = '';
    for await (const chunk of response.setEncoding('utf8')) text += chunk;
    return { status: response.statusCode ?? 0, text };
  } catch (error) {
    throw new Failure('docker-unavailable', `cannot reach Docker: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

function addressOf(dockerHost: string): http.RequestOptions {
  const url = new URL(dockerHost);
  if (url.protocol === 'unix:') return { socketPath: url.pathname };
  if (url.protocol === 'tcp:' || url.protocol === 'http:') {
    return { host: url.hostname, port: url.port || 2375 };
  }
  throw new Failure('invalid-value', `DOCKER_HOST ${dockerHost}: the demo can use unix:// and tcp:// only`);
}

function messageOf(text: string): string {
  return /"(?:message|error)":"((?:[^"\\]|\\.)*)"/.exec(text)?.[1] ?? text.slice(0, 200);
}
