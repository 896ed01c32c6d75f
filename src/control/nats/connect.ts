/**
 * NATS as a place to publish to, by the settings `events.nats`.
 *
 * Acknowledged is what the server has answered for: each message by the stream, or without one all of them by a round trip behind
 * them. A connection that breaks is not mended but replaced: a message that waited in it would come after its own repetition.
 */
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { jetstream } from '@nats-io/jetstream';
import {
  type ConnectionOptions,
  connect,
  credsAuthenticator,
  headers,
  type NatsConnection,
} from '@nats-io/transport-node';
import type { Config } from '../../base/config-schema.ts';
import { Failure } from '../../model/failure.ts';
import type { Outlet, Publication } from './publisher.ts';

export type NatsSettings = Config['events']['nats'];

const connectMs = 5_000;
const acknowledgeMs = 10_000;

/** `instance` names this installation among others that publish to the same server. Throws `invalid-value` naming a setting. */
export function natsOutlet(settings: NatsSettings, instance: string): () => Promise<Outlet> {
  const options = connectionOptions(settings);
  return async () => {
    const connection = await connect(options);
    return new NatsOutlet(connection, { instance, stream: settings.stream });
  };
}

function connectionOptions(settings: NatsSettings): ConnectionOptions {
  const { servers, user, password, token, credentialsFile, caFile, certFile, keyFile } = settings;
  if ([user, token, credentialsFile].filter((way) => way !== '').length > 1)
    throw mistake('user', 'one of user, token and credentialsFile is enough');
  if (certFile !== '' && keyFile === '') throw mistake('keyFile', 'certFile needs it');
  const isSecure = servers.some((server) => server.startsWith('tls://')) || caFile !== '' || certFile !== '';
  const addresses = servers.map((server) => server.replace(/^(nats|tls):\/\//, ''));
  if (isSecure) addresses.forEach(assertNamed);
  const file = (name: 'caFile' | 'certFile' | 'keyFile') =>
    settings[name] === '' ? {} : { [name.replace('File', '')]: read(name, settings[name]).toString() };
  return {
    name: 'berth events',
    servers: addresses,
    reconnect: false,
    timeout: connectMs,
    ignoreClusterUpdates: true,
    ...(user === '' ? {} : { user, pass: password }),
    ...(token === '' ? {} : { token }),
    ...(credentialsFile === ''
      ? {}
      : { authenticator: credsAuthenticator(read('credentialsFile', credentialsFile)) }),
    ...(isSecure ? { tls: { ...file('caFile'), ...file('certFile'), ...file('keyFile') } } : {}),
  };
}

/** The client compares what a certificate says with `localhost` when it has no name to compare it with. */
function assertNamed(server: string): void {
  const { hostname } = new URL(`nats://${server}`);
  if (isIP(hostname.replace(/^\[|\]$/g, '')) !== 0)
    throw mistake('servers', `${hostname}: a certificate is for a name, so TLS needs one`);
}

function read(name: keyof NatsSettings, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw mistake(name, (error as Error).message, error);
  }
}

function mistake(name: keyof NatsSettings, why: string, cause?: unknown): Failure {
  return new Failure('invalid-value', `setting events.nats.${name}: ${why}`, { cause });
}

class NatsOutlet implements Outlet {
  readonly #connection: NatsConnection;
  readonly #options: { readonly instance: string; readonly stream: string };
  /** What the server has complained of, which it does beside its acknowledgements. */
  #complaint: Error | undefined;

  constructor(connection: NatsConnection, options: { readonly instance: string; readonly stream: string }) {
    this.#connection = connection;
    this.#options = options;
    void this.#listen();
  }

  get isOpen(): boolean {
    return !this.#connection.isClosed() && this.#complaint === undefined;
  }

  async publish(publications: readonly Publication[]): Promise<void> {
    if (this.#options.stream === '') await this.#publishToServer(publications);
    else await this.#publishToStream(publications);
  }

  async close(): Promise<void> {
    await this.#connection.close();
  }

  async #publishToServer(publications: readonly Publication[]): Promise<void> {
    for (const { subject, id, json } of publications) {
      const named = headers();
      named.set('Nats-Msg-Id', this.#messageId(id));
      this.#connection.publish(subject, json, { headers: named });
    }
    await within(acknowledgeMs, this.#connection.flush());
    // It came before the answer, and is handed on a moment later.
    await setImmediate();
    if (this.#complaint) throw this.#complaint;
  }

  /** One after the other: of several at once an earlier one could fail and be stored behind a later one. */
  async #publishToStream(publications: readonly Publication[]): Promise<void> {
    const { stream: streamName } = this.#options;
    const client = jetstream(this.#connection, { timeout: acknowledgeMs });
    for (const { subject, id, json } of publications) {
      const msgID = this.#messageId(id);
      try {
        await client.publish(subject, json, { msgID, expect: { streamName } });
      } catch (error) {
        const why = (error as Error).message;
        throw new Error(`stream ${streamName} has not taken ${subject}: ${why}`, { cause: error });
      }
    }
  }

  #messageId(id: string): string {
    return `${this.#options.instance}-${id}`;
  }

  async #listen(): Promise<void> {
    for await (const status of this.#connection.status()) {
      if (status.type === 'error') this.#complaint = status.error;
    }
  }
}

async function within(ms: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no acknowledgement within ${ms / 1000} s`)), ms);
  });
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
