/** A WebSocket as a test uses it: what it has heard, how it ended, or with what status it was refused. */
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { type ClientOptions, WebSocket } from 'ws';
import { until } from './until.ts';

export interface Refused {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests read whatever the service answered
  readonly body: any;
}

export interface Heard {
  readonly socket: WebSocket;
  /** Messages as they came. */
  readonly messages: { readonly data: Buffer; readonly isBinary: boolean }[];
  hears(what: string | RegExp): Promise<string>;
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
}

export interface OpenOptions extends ClientOptions {
  readonly protocols?: string[];
}

export async function openSocket(url: string, options: OpenOptions = {}): Promise<Heard> {
  const { protocols = [], ...rest } = options;
  const socket = new WebSocket(url, protocols, rest);
  const messages: { data: Buffer; isBinary: boolean }[] = [];
  socket.on('message', (data, isBinary) => messages.push({ data: data as Buffer, isBinary }));
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.on('close', (code, reason) => resolve({ code, reason: String(reason) }));
  });
  await once(socket, 'open');
  const said = () => Buffer.concat(messages.map(({ data }) => data)).toString();
  return {
    socket,
    messages,
    closed,
    hears: (what) =>
      until(`${what} is heard`, async () => said().search(what) >= 0 && said(), {
        everyMs: 5,
        patienceMs: 10_000,
      }),
  };
}

/** The answer to a request that must not become a socket. */
export async function refusedSocket(url: string, options: OpenOptions = {}): Promise<Refused> {
  const { protocols = [], ...rest } = options;
  const socket = new WebSocket(url, protocols, rest);
  const refused = new Promise<Refused>((resolve, reject) => {
    socket.on('open', () => reject(new Error('it was let in')));
    socket.on('error', reject);
    socket.on('unexpected-response', async (_request, answer: IncomingMessage) => {
      const said = await text(answer);
      const isJson = answer.headers['content-type']?.includes('json');
      resolve({ status: answer.statusCode ?? 0, body: isJson ? JSON.parse(said) : said });
    });
  });
  return refused;
}
