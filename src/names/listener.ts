/**
 * Serves DNS on sockets that somebody else opened, UDP and TCP. What cannot be read is dropped without a word.
 *
 * Over TCP the questions of a connection are answered in turn; connections are bounded for each asker and closed when
 * nothing comes for a while.
 */
import { createSocket, type RemoteInfo, type Socket as UdpSocket } from 'node:dgram';
import { createServer, type Server, type Socket } from 'node:net';
import { frame, readMessages } from './framing.ts';
import { fitDatagram, isResponse, parseQuery, type Query } from './message.ts';

/** Undefined = nothing is said. */
export type Answerer = (query: Query, source: string) => Promise<Buffer | undefined>;

export interface Listener {
  close(): void;
}

const idleMs = 10_000;
const mostConnections = { bySource: 16, all: 256 } as const;

export function serveUdp(fd: number, version: 4 | 6, answer: Answerer): Listener {
  const socket = createSocket(version === 4 ? 'udp4' : 'udp6');
  socket.on('error', () => undefined);
  socket.on('message', (message, from) => void answerDatagram(socket, message, from, answer));
  socket.bind({ fd });
  let isOpen = true;
  return {
    close: () => {
      if (isOpen) socket.close();
      isOpen = false;
    },
  };
}

async function answerDatagram(
  socket: UdpSocket,
  message: Buffer,
  from: RemoteInfo,
  answer: Answerer,
): Promise<void> {
  try {
    const query = readQuery(message);
    const reply = query && (await answer(query, from.address));
    if (reply) socket.send(fitDatagram(reply, query), from.port, from.address, () => undefined);
  } catch {
    // Closed meanwhile, or a packet made to break something.
  }
}

export function serveTcp(fd: number, answer: Answerer): Listener {
  const open = new Map<Socket, string>();
  const server: Server = createServer((socket) => {
    const source = socket.remoteAddress ?? '';
    const others = [...open.values()].filter((each) => each === source).length;
    socket.on('error', () => undefined);
    if (open.size >= mostConnections.all || others >= mostConnections.bySource) {
      socket.destroy();
      return;
    }
    open.set(socket, source);
    socket.on('close', () => open.delete(socket));
    socket.setTimeout(idleMs, () => socket.destroy());
    void answerStream(socket, source, answer);
  });
  server.on('error', () => undefined);
  server.listen({ fd });
  return {
    close: () => {
      server.close();
      for (const socket of open.keys()) socket.destroy();
    },
  };
}

async function answerStream(socket: Socket, source: string, answer: Answerer): Promise<void> {
  try {
    for await (const message of readMessages(socket)) {
      const query = readQuery(message);
      const reply = query && (await answer(query, source));
      if (!reply) break;
      socket.write(frame(reply));
    }
  } catch {
    // The asker went away.
  } finally {
    socket.destroy();
  }
}

function readQuery(message: Buffer): Query | undefined {
  if (isResponse(message)) return undefined;
  try {
    return parseQuery(message);
  } catch {
    return undefined;
  }
}
