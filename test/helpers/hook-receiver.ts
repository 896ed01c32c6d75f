/** A receiver of webhooks on loopback: keeps what it is told, and answers as a test wants it to. */
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';

export interface Heard {
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests read whatever was sent
  readonly body: any;
  readonly socket: Socket;
}

/** Answers, or does not. */
export type Behaviour = (response: ServerResponse, heard: Heard) => void;

export const behaviours = {
  takes: (response) => response.writeHead(204).end(),
  hangs: () => undefined,
  resets: (response) => response.socket?.resetAndDestroy(),
  fails: (response) => response.writeHead(500).end('what went wrong inside'),
  redirects: (response) => response.writeHead(302, { location: '/elsewhere' }).end(),
  /** The head at once, the body never. */
  dawdles: (response) => response.writeHead(200, { 'content-length': '10' }).flushHeaders(),
  /** A body without an end. */
  floods: (response) => {
    response.writeHead(200);
    const pour = () => {
      while (!response.destroyed && response.write(Buffer.alloc(16_384)));
    };
    response.on('drain', pour);
    pour();
  },
} as const satisfies Record<string, Behaviour>;

export class HookReceiver implements AsyncDisposable {
  readonly heard: Heard[] = [];
  behave: Behaviour = behaviours.takes;
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** With a key and a certificate it speaks TLS. */
  static async start(
    address = '127.0.0.1',
    tls?: { readonly key: string; readonly cert: string },
  ): Promise<HookReceiver> {
    const server = tls ? createSecureServer(tls) : createServer();
    const receiver = new HookReceiver(server);
    server.on('request', async (request, response: ServerResponse) => {
      let text = '';
      for await (const chunk of request) text += chunk;
      const heard = { headers: request.headers, text, body: JSON.parse(text), socket: request.socket };
      receiver.heard.push(heard);
      receiver.behave(response, heard);
    });
    server.listen(0, address);
    await once(server, 'listening');
    return receiver;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/hook?from=berth`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }
}
