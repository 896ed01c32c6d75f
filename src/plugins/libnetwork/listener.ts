/** Opens the door that dockerd finds by the driver's name: a unix socket, or TCP with a specification that leads there. */
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { mkdir, unlink } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, connect, type ListenOptions } from 'node:net';
import { dirname, join } from 'node:path';
import { Failure } from '../../model/failure.ts';
import type { TcpListen } from './listen.ts';
import { writeSpecification } from './specification.ts';

export interface ListenerOptions {
  /** The driver's name for Docker. */
  readonly name: string;
  /** Where dockerd looks for sockets. */
  readonly pluginDir: string;
  /** Instead of the socket. */
  readonly tcp?: TcpListen | undefined;
}

export interface Listener {
  readonly server: Server;
  /** The file by which dockerd finds it. */
  readonly at: string;
  /** dockerd is led here no longer. */
  withdraw(): void;
}

/** Throws `already-running` when another process serves the name. */
export async function openListener(
  { name, pluginDir, tcp }: ListenerOptions,
  answer: RequestListener,
): Promise<Listener> {
  const socketPath = join(pluginDir, `${name}.sock`);
  // Also for TCP: dockerd prefers a socket, even that of a process that has died.
  await makeWay(socketPath);
  const server = serverFor(tcp, answer);
  neverCloseFirst(server);
  await listen(server, tcp ? { host: tcp.host, port: tcp.port } : { path: socketPath });
  if (!tcp) return { server, at: socketPath, withdraw: () => rmSync(socketPath, { force: true }) };
  try {
    const { port } = server.address() as AddressInfo;
    const address = `${tcp.host.includes(':') ? `[${tcp.host}]` : tcp.host}:${port}`;
    const written = writeSpecification({ name, folder: tcp.specDir, address, tls: tcp.tls?.docker });
    return { server, at: written.file, withdraw: () => written.remove() };
  } catch (error) {
    server.close();
    throw error;
  }
}

/**
 * dockerd keeps its connections and uses them again after any time. One that we close at that moment costs the call its body, for
 * dockerd's repetition sends none: so idle connections are dockerd's to close.
 */
function neverCloseFirst(server: Server): void {
  server.keepAliveTimeout = 0;
  // A connection that has not been used yet counts as a request that is late.
  server.headersTimeout = 0;
  server.requestTimeout = 0;
}

function serverFor(tcp: TcpListen | undefined, answer: RequestListener): Server {
  if (!tcp?.tls) return createServer(answer);
  const { cert, key, clientCa } = tcp.tls;
  const clients = { ca: clientCa, requestCert: true, rejectUnauthorized: true } as const;
  try {
    return createTlsServer({ cert, key, ...clients, minVersion: 'TLSv1.2' }, answer);
  } catch (error) {
    const { message } = error as Error;
    throw new Failure('invalid-value', `setting kuryr.tls: a certificate or key cannot be used: ${message}`);
  }
}

async function listen(server: Server, where: ListenOptions): Promise<void> {
  try {
    server.listen(where);
    await once(server, 'listening');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (where.host === undefined || (code !== 'EADDRINUSE' && code !== 'EADDRNOTAVAIL')) throw error;
    const why = code === 'EADDRINUSE' ? 'another program listens there' : 'this machine has no such address';
    throw new Failure('already-running', `setting kuryr.listen: ${where.host} port ${where.port}: ${why}`);
  }
}

/** Removes a socket that nobody serves; throws `already-running` when somebody does. */
async function makeWay(socketPath: string): Promise<void> {
  await mkdir(dirname(socketPath), { recursive: true });
  const isServed = await new Promise<boolean>((resolve) => {
    const probe = connect(socketPath);
    const answer = (is: boolean) => {
      probe.destroy();
      resolve(is);
    };
    probe.once('connect', () => answer(true)).once('error', () => answer(false));
  });
  if (isServed) {
    throw new Failure(
      'already-running',
      `another process serves ${socketPath}: stop it, or give this one another name (setting kuryr.name)`,
    );
  }
  await unlink(socketPath).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
}
