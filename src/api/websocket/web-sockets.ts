/** The WebSockets of a service: what is checked before one is opened, and all that are open, so that the server can stop. */
import type { Socket } from 'node:net';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Config } from '../../base/config-schema.ts';
import { Failure } from '../../model/failure.ts';
import { assertOrigin } from './origin.ts';
import { Splice, type SpliceEnds } from './splice.ts';
import { acceptWebSocket, type Subprotocol, subprotocolOf } from './upgrades.ts';

/** After which a connection that says nothing is tried, whoever is at its other end. */
const keepAliveMs = 30_000;

export class WebSockets {
  readonly #config: Pick<Config, 'publicUrl' | 'consoles'>;
  readonly #open = new Set<Splice>();

  constructor(config: Pick<Config, 'publicUrl' | 'consoles'>) {
    this.#config = config;
  }

  get count(): number {
    return this.#open.size;
  }

  /** To be asked before anything is opened for it. Throws `origin-not-allowed`, or `invalid-value` for a subprotocol. */
  check(request: FastifyRequest): Subprotocol {
    const { publicUrl, consoles } = this.#config;
    assertOrigin(request, { publicUrl, allowedOrigins: consoles.allowedOrigins });
    const protocol = subprotocolOf(request.raw);
    if (protocol) return protocol;
    throw new Failure('invalid-value', 'Sec-WebSocket-Protocol: it must have binary or base64');
  }

  /** Answers the request with a socket that is spliced with these ends, which are let go of with it. */
  splice(request: FastifyRequest, reply: FastifyReply, ends: SpliceEnds, protocol: Subprotocol): void {
    const socket = acceptWebSocket(request, reply);
    if (!socket) {
      ends.output.destroy();
      ends.input?.destroy();
      return;
    }
    (request.raw.socket as Socket).setKeepAlive(true, keepAliveMs);
    const { pingSeconds, idleSeconds } = this.#config.consoles;
    const rules = { protocol, pingMs: pingSeconds * 1000, idleMs: idleSeconds * 1000 };
    // Zun's client, which does not say what it is, reads nothing from its keyboard between a ping and the next output.
    const isPinged = request.headers['user-agent'] !== undefined;
    const splice = new Splice(socket, ends, { ...rules, isPinged });
    this.#open.add(splice);
    socket.once('close', () => this.#open.delete(splice));
  }

  /** The server stops. */
  closeAll(): void {
    for (const splice of this.#open) splice.close('stopping', 'The server stops.');
  }
}
