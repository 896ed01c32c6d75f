/**
 * A peer directory in a key-value bucket of NATS: a key per address. It comes into being only when there is none, and is changed
 * only as it was seen (its revision), so that of two hosts one loses.
 *
 * The client mends its connection by itself; whoever watches is told once when it is back. No message here has a secret.
 */
import { readFileSync } from 'node:fs';
import { type KV, type KvEntry, Kvm, KvWatchInclude } from '@nats-io/kv';
import {
  type ConnectionOptions,
  connect,
  credsAuthenticator,
  type NatsConnection,
} from '@nats-io/transport-node';
import type { Log } from '../../base/log.ts';
import { Failure } from '../../model/failure.ts';
import type { Claim, PeerDirectory } from './directory.ts';
import { withRescan } from './rescan.ts';

const answerMs = 8_000;
const defaultBucket = 'berth-cnm-peers';
/** Who loses so often is alone against many: somebody else has it by then. */
const mostTries = 20;

export interface NatsDirectoryOptions {
  /** `nats://USER@HOST:PORT/BUCKET?ca=FILE&cert=FILE&key=FILE&credentials=FILE`; `tls://` insists on TLS. */
  readonly url: URL;
  /** Without a user it is a token. */
  readonly password: string | undefined;
  readonly log: Log;
}

interface Opened {
  readonly connection: NatsConnection;
  readonly bucket: KV;
}

export class NatsDirectory implements PeerDirectory {
  readonly #options: ConnectionOptions;
  readonly #bucket: string;
  readonly #shown: string;
  readonly #log: Log;
  readonly #watches = new Set<() => Promise<void>>();
  #opened: Promise<Opened> | undefined;
  #isClosed = false;

  /** Throws `invalid-value` for a file that cannot be read. */
  constructor({ url, password, log }: NatsDirectoryOptions) {
    this.#options = optionsOf(url, password);
    this.#bucket = decodeURIComponent(url.pathname.slice(1)) || defaultBucket;
    this.#shown = `${url.host}/${this.#bucket}`;
    this.#log = log;
  }

  claim(claim: Claim): Promise<boolean> {
    return this.#ask((bucket) =>
      this.#settle(bucket, claim, async (present, key) => {
        const value = JSON.stringify(claim);
        if (!present) await bucket.create(key, value);
        else if (claimOf(present)?.host !== claim.host) return false;
        else await bucket.update(key, value, present.revision);
        return true;
      }),
    );
  }

  async release(claim: Pick<Claim, 'pool' | 'address' | 'host'>): Promise<void> {
    await this.#ask((bucket) =>
      this.#settle(bucket, claim, async (present, key) => {
        if (!present || claimOf(present)?.host !== claim.host) return false;
        await bucket.delete(key, { previousSeq: present.revision });
        return true;
      }),
    );
  }

  list(): Promise<Claim[]> {
    return this.#ask(async (bucket) => {
      const keys: string[] = [];
      for await (const key of await bucket.keys()) keys.push(key);
      const entries = await Promise.all(keys.map((key) => bucket.get(key)));
      const claims = entries.flatMap((entry) => (isLive(entry) ? (claimOf(entry) ?? []) : []));
      return claims.toSorted((a, b) => (`${a.pool} ${a.address}` < `${b.pool} ${b.address}` ? -1 : 1));
    });
  }

  watch(changed: () => void): () => void {
    const ending = new AbortController();
    const endRescan = withRescan(() => {
      changed();
      // One that could not begin begins here.
      void begin();
    });
    let isWatching = false;
    const begin = async () => {
      if (isWatching || ending.signal.aborted) return;
      isWatching = true;
      await this.#follow(changed, ending.signal).catch((error: Error) =>
        this.#log.warn({ at: this.#shown, reason: error.message }, 'the peer directory cannot be watched'),
      );
      isWatching = false;
    };
    void begin();
    const end = async () => {
      endRescan();
      ending.abort();
      this.#watches.delete(end);
    };
    this.#watches.add(end);
    return () => void end();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#watches].map((end) => end()));
    const opened = await this.#opened?.catch(() => undefined);
    await opened?.connection.close();
  }

  /** Again while somebody else changes it in between. */
  async #settle(
    bucket: KV,
    claim: Pick<Claim, 'pool' | 'address'>,
    work: (present: KvEntry | undefined, key: string) => Promise<boolean>,
  ): Promise<boolean> {
    const key = keyOf(claim);
    for (let tries = 1; ; tries += 1) {
      const entry = await bucket.get(key);
      try {
        return await work(isLive(entry) ? entry : undefined, key);
      } catch (error) {
        if (!isOvertaken(error) || tries === mostTries) throw error;
      }
    }
  }

  async #follow(changed: () => void, signal: AbortSignal): Promise<void> {
    const { connection, bucket } = await this.#open();
    const entries = await bucket.watch({ include: KvWatchInclude.UpdatesOnly });
    const statuses = connection.status();
    const stop = () => entries.stop();
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    void (async () => {
      for await (const { type } of statuses) if (type === 'reconnect' && !signal.aborted) changed();
    })();
    changed();
    for await (const _ of entries) changed();
  }

  async #ask<T>(work: (bucket: KV) => Promise<T>): Promise<T> {
    try {
      return await work((await this.#open()).bucket);
    } catch (error) {
      if (await this.#isLost()) this.#opened = undefined;
      throw new Failure('unavailable', `peer directory ${this.#shown}: ${(error as Error).message}`, {
        cause: error,
      });
    }
  }

  async #isLost(): Promise<boolean> {
    const opened = await this.#opened?.catch(() => undefined);
    return !opened || opened.connection.isClosed();
  }

  #open(): Promise<Opened> {
    if (this.#isClosed) throw new Failure('unavailable', `peer directory ${this.#shown}: closed`);
    this.#opened ??= this.#connect();
    return this.#opened;
  }

  async #connect(): Promise<Opened> {
    const connection = await connect(this.#options);
    try {
      return {
        connection,
        bucket: await new Kvm(connection).create(this.#bucket, { history: 1, timeout: answerMs }),
      };
    } catch (error) {
      await connection.close();
      throw error;
    }
  }
}

function optionsOf(url: URL, password: string | undefined): ConnectionOptions {
  const files = url.searchParams;
  const user = decodeURIComponent(url.username);
  const file = (name: string) => {
    const path = files.get(name);
    return path === null ? {} : { [name]: read(name, path).toString() };
  };
  const isSecure = url.protocol === 'tls:' || ['ca', 'cert', 'key'].some((name) => files.has(name));
  const credentials = files.get('credentials');
  return {
    name: 'berth cnm',
    servers: url.host,
    timeout: answerMs,
    maxReconnectAttempts: -1,
    ...(user === '' ? {} : { user, ...(password === undefined ? {} : { pass: password }) }),
    ...(user === '' && password !== undefined ? { token: password } : {}),
    ...(credentials === null ? {} : { authenticator: credsAuthenticator(read('credentials', credentials)) }),
    ...(isSecure ? { tls: { ...file('ca'), ...file('cert'), ...file('key') } } : {}),
  };
}

function read(name: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new Failure('invalid-value', `--peers: ${name}: ${(error as Error).message}`);
  }
}

/** Keys may hold letters, digits and few signs. */
function keyOf({ pool, address }: Pick<Claim, 'pool' | 'address'>): string {
  return Buffer.from(`${pool} ${address}`).toString('base64url');
}

function isLive(entry: KvEntry | null): entry is KvEntry {
  return entry !== null && entry.operation === 'PUT';
}

/** Undefined = something else under our key. */
function claimOf(entry: KvEntry): Claim | undefined {
  try {
    return entry.json<Claim>();
  } catch {
    return undefined;
  }
}

/** The stream's "wrong last sequence". */
function isOvertaken(error: unknown): boolean {
  return (error as { code?: number }).code === 10_071;
}
