/**
 * GET /console: where the address of a console leads. The token in it is all that is asked for, since a browser's WebSocket carries no
 * header; it is looked at before the connection becomes a socket. Not below /v1: no microversion changes it.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ConsoleKey } from '../../control/container/consoles.ts';
import type { ContainerControl } from '../../control/container/control.ts';
import { Failure } from '../../model/failure.ts';
import { wantsWebSocket } from '../websocket/upgrades.ts';
import type { WebSockets } from '../websocket/web-sockets.ts';
import type { Input } from './endpoint.ts';

const path = '/console';

/** `base` is that of links: what is reached over TLS is so here, too. */
export function consoleUrl(base: string, { token, uuid, execId }: ConsoleKey): string {
  const query = new URLSearchParams({ token, uuid, ...(execId === null ? {} : { exec_id: execId }) });
  return `${base.replace(/^http/, 'ws')}${path}?${query}`;
}

export function consoleRoute(
  app: FastifyInstance,
  { control, sockets }: { readonly control: ContainerControl; readonly sockets: WebSockets },
): void {
  app.get(path, { exposeHeadRoute: false }, async (request: FastifyRequest, reply: FastifyReply) => {
    if (!wantsWebSocket(request)) {
      reply.headers({ upgrade: 'websocket', connection: 'Upgrade' });
      throw Object.assign(new Error('This address is for WebSockets.'), { statusCode: 426 });
    }
    const protocol = sockets.check(request);
    const console = await control.consoles.open(keyOf(request.query as Input));
    const about = { request: request.id, container: console.uuid, user: console.userId };
    control.log.info(about, 'console opened');
    console.output.once('close', () => control.log.info(about, 'console closed'));
    sockets.splice(request, reply, console, protocol);
    return reply;
  });
}

/** Throws `unauthorized` without a token; what is malformed is as good as unknown. */
function keyOf({ token, uuid, exec_id: execId }: Input): ConsoleKey {
  if (typeof token !== 'string' || token === '')
    throw new Failure('unauthorized', 'A console needs its token.');
  return { token, uuid: String(uuid), execId: execId === undefined ? null : String(execId) };
}
