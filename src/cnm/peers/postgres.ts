/**
 * A peer directory in a table of PostgreSQL. One statement claims an address or leaves it to whom it belongs, and tells the
 * other hosts (NOTIFY) in the same transaction.
 *
 * A connection that breaks is replaced at the next question. Whoever watches is told once when it hears again, because what
 * was said meanwhile is lost. No message here has the password: addresses are shown without their log-in.
 */
import pg from 'pg';
import type { Log } from '../../base/log.ts';
import { Failure } from '../../model/failure.ts';
import type { Claim, PeerDirectory } from './directory.ts';
import { withRescan } from './rescan.ts';

const answerMs = 8_000;
const retryMs = { first: 250, last: 10_000 } as const;
const channel = 'berth_cnm_peers';

const table = `CREATE TABLE IF NOT EXISTS berth_cnm_peers (
  pool text NOT NULL, address text NOT NULL, host text NOT NULL, peer jsonb, PRIMARY KEY (pool, address))`;
const claimText = `WITH claimed AS (
  INSERT INTO berth_cnm_peers (pool, address, host, peer) VALUES ($1, $2, $3, $4)
  ON CONFLICT (pool, address) DO UPDATE SET peer = excluded.peer WHERE berth_cnm_peers.host = excluded.host
  RETURNING 1) SELECT pg_notify('${channel}', '') FROM claimed`;
const releaseText = `WITH released AS (
  DELETE FROM berth_cnm_peers WHERE pool = $1 AND address = $2 AND host = $3
  RETURNING 1) SELECT pg_notify('${channel}', '') FROM released`;
const listText = 'SELECT pool, address, host, peer FROM berth_cnm_peers ORDER BY pool, address';

/** Two hosts that make the table at the same time: one of them is told that it is there. */
const isThere = new Set(['23505', '42P07']);

export interface PostgresDirectoryOptions {
  /** `postgresql://USER@HOST:PORT/DATABASE?sslmode=…` */
  readonly url: URL;
  readonly password: string | undefined;
  readonly log: Log;
}

export class PostgresDirectory implements PeerDirectory {
  readonly #pool: pg.Pool;
  readonly #settings: pg.ClientConfig;
  readonly #shown: string;
  readonly #log: Log;
  readonly #watches = new Set<() => Promise<void>>();
  #prepared: Promise<unknown> | undefined;

  constructor({ url, password, log }: PostgresDirectoryOptions) {
    this.#shown = `${url.host}${url.pathname}`;
    this.#log = log;
    this.#settings = {
      connectionString: withPassword(url, password),
      application_name: 'berth cnm',
      connectionTimeoutMillis: answerMs,
      keepAlive: true,
    };
    this.#pool = new pg.Pool({
      ...this.#settings,
      max: 4,
      statement_timeout: answerMs,
      query_timeout: answerMs,
    });
    // Of connections that nobody uses: the next question opens another.
    this.#pool.on('error', (error) =>
      this.#log.debug({ at: this.#shown, reason: error.message }, 'a connection broke'),
    );
  }

  async claim({ pool, address, host, peer }: Claim): Promise<boolean> {
    const told = peer === null ? null : JSON.stringify(peer);
    return (await this.#ask(claimText, [pool, address, host, told])).rowCount === 1;
  }

  async release({ pool, address, host }: Pick<Claim, 'pool' | 'address' | 'host'>): Promise<void> {
    await this.#ask(releaseText, [pool, address, host]);
  }

  async list(): Promise<Claim[]> {
    return (await this.#ask(listText, [])).rows as Claim[];
  }

  watch(changed: () => void): () => void {
    const ending = new AbortController();
    const listening = this.#listen(changed, ending.signal);
    const endRescan = withRescan(changed);
    const end = async () => {
      endRescan();
      ending.abort();
      this.#watches.delete(end);
      await listening;
    };
    this.#watches.add(end);
    return () => void end();
  }

  async close(): Promise<void> {
    await Promise.all([...this.#watches].map((end) => end()));
    await this.#pool.end();
  }

  async #ask(text: string, values: readonly (string | null)[]): Promise<pg.QueryResult> {
    try {
      this.#prepared ??= this.#makeTable();
      await this.#prepared;
      return await this.#pool.query(text, [...values]);
    } catch (error) {
      this.#prepared = undefined;
      throw new Failure('unavailable', `peer directory ${this.#shown}: ${reasonOf(error)}`, { cause: error });
    }
  }

  async #makeTable(): Promise<void> {
    await this.#pool.query(table).catch((error: { code?: string }) => {
      if (!isThere.has(error.code ?? '')) throw error;
    });
  }

  /** One connection that listens, and another when it ends. */
  async #listen(changed: () => void, signal: AbortSignal): Promise<void> {
    let pause: number = retryMs.first;
    while (!signal.aborted) {
      const client = new pg.Client(this.#settings);
      const ended = new Promise<void>((resolve) => {
        client.on('error', () => resolve());
        client.on('end', () => resolve());
        signal.addEventListener('abort', () => resolve(), { once: true });
      });
      try {
        client.on('notification', changed);
        await client.connect();
        await client.query(`LISTEN ${channel}`);
        pause = retryMs.first;
        changed();
        await ended;
      } catch (error) {
        this.#log.warn(
          { at: this.#shown, reason: reasonOf(error) },
          'the peer directory cannot be listened to',
        );
      }
      await client.end().catch(() => undefined);
      await untilOrAborted(pause, signal);
      pause = Math.min(pause * 2, retryMs.last);
    }
  }
}

/** What an address says wins over all other settings, even when it says nothing of a password. */
function withPassword(url: URL, password: string | undefined): string {
  const whole = new URL(url);
  if (password !== undefined) whole.password = password;
  return whole.href;
}

/** Of several tries (one for each address of a name) the client tells nothing but their errors. */
function reasonOf(error: unknown): string {
  const all = error instanceof AggregateError ? (error.errors as Error[]) : [error as Error];
  return all.map(({ message }) => message).join('; ');
}

function untilOrAborted(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const timer = setTimeout(resolve, ms);
    signal.addEventListener(
      'abort',
      () => {
        clearTimeout(timer);
        resolve();
      },
      { once: true },
    );
  });
}
