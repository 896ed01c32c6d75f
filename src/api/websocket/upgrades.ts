/**
 * Requests to become a WebSocket, routed like all others: they are authenticated, checked and refused as those are, with the same
 * answers, and a handler that expects it turns one into a socket. To every other handler they are plain requests.
 */
import { type IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type WebSocket, WebSocketServer } from 'ws';

interface Upgrade {
  readonly socket: Socket;
  readonly head: Buffer;
  /** Carries a refusal. */
  readonly response: ServerResponse;
}

const upgrades = new WeakMap<IncomingMessage, Upgrade>();
/** Of the requests that became sockets, for the header of the answer. */
const requestIds = new WeakMap<IncomingMessage, string>();

/** Longer than anything that is typed or pasted; a longer message closes the socket (1009). */
const messageLimitBytes = 256 * 1024;

/** Upgrades to anything else, HTTP/2 for one, are none: such a request is answered as it stands. */
export function isWebSocketRequest({ method, headers }: IncomingMessage): boolean {
  return method === 'GET' && /^websocket$/i.test(headers.upgrade ?? '');
}

export function routeUpgrades(app: FastifyInstance): void {
  app.server.on('upgrade', (request: IncomingMessage, duplex: Duplex, head: Buffer) => {
    const socket = duplex as Socket;
    // Somebody who leaves while the request is looked at.
    socket.on('error', () => socket.destroy());
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    response.assignSocket(socket);
    response.once('finish', () => socket.destroySoon());
    upgrades.set(request, { socket, head, response });
    app.routing(request, response);
  });
}

export function wantsWebSocket({ raw }: FastifyRequest): boolean {
  return upgrades.has(raw);
}

const protocols = ['binary', 'base64'] as const;
export type Subprotocol = (typeof protocols)[number];

/** The first that is known of those that a client offers; who offers none speaks `binary`. Undefined = none is known. */
export function subprotocolOf({ headers }: Pick<IncomingMessage, 'headers'>): Subprotocol | undefined {
  const offered = headers['sec-websocket-protocol'];
  if (offered === undefined) return 'binary';
  const names = offered.split(',').map((name) => name.trim());
  return protocols.find((protocol) => names.includes(protocol));
}

const server = new WebSocketServer({
  noServer: true,
  clientTracking: false,
  perMessageDeflate: false,
  maxPayload: messageLimitBytes,
  handleProtocols: (_offered, request) => subprotocolOf(request) ?? false,
});
server.on('headers', (headers, request) => {
  headers.push(`x-openstack-request-id: ${requestIds.get(request) ?? ''}`);
});

/** Undefined when it is none after all: the client has gone, or its handshake was wrong, which it has been told. */
export function acceptWebSocket(request: FastifyRequest, reply: FastifyReply): WebSocket | undefined {
  const upgrade = upgrades.get(request.raw);
  if (!upgrade) throw new Error('this request does not want to become a WebSocket');
  const { socket, head, response } = upgrade;
  reply.hijack();
  response.detachSocket(socket);
  requestIds.set(request.raw, request.id);
  let accepted: WebSocket | undefined;
  server.handleUpgrade(request.raw, socket, head, (made) => {
    accepted = made;
  });
  return accepted;
}
