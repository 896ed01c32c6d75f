/** Debian's PostgreSQL on a port of loopback, as a user of its own, with its data in a folder that goes with it. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { freePort } from './free-port.ts';
import { until } from './until.ts';

const installed = '/usr/lib/postgresql';

export class PostgresServer implements AsyncDisposable {
  readonly port: number;
  readonly password = 'not for the log';
  readonly #folder = mkdtempSync(join(tmpdir(), 'berth-postgres-'));
  readonly #bin: string;
  readonly #as: { readonly uid?: number; readonly gid?: number };
  #process: ChildProcess | undefined;

  private constructor(port: number) {
    this.port = port;
    const [newest = ''] = readdirSync(installed).toSorted((a, b) => Number(b) - Number(a));
    this.#bin = join(installed, newest, 'bin');
    // It refuses to be root.
    const id = (what: string) => Number(execFileSync('id', [what, 'nobody'], { encoding: 'utf8' }));
    this.#as = process.getuid?.() === 0 ? { uid: id('-u'), gid: id('-g') } : {};
  }

  static async start(): Promise<PostgresServer> {
    const server = new PostgresServer(await freePort());
    const secret = join(server.#folder, 'secret');
    writeFileSync(secret, server.password);
    const { uid, gid } = server.#as;
    if (uid !== undefined && gid !== undefined) {
      for (const path of [server.#folder, secret]) chownSync(path, uid, gid);
    }
    const how = [
      '-U',
      'berth',
      '-A',
      'scram-sha-256',
      '--pwfile',
      secret,
      '-E',
      'UTF8',
      '--no-locale',
      '--no-sync',
    ];
    execFileSync(join(server.#bin, 'initdb'), ['-D', server.#data, ...how], {
      ...server.#as,
      stdio: 'ignore',
      cwd: '/',
    });
    await server.run();
    return server;
  }

  get #data(): string {
    return join(this.#folder, 'data');
  }

  get url(): string {
    return `postgresql://berth@127.0.0.1:${this.port}/postgres`;
  }

  /** After `kill`, with what it has stored. */
  async run(): Promise<void> {
    const args = ['-D', this.#data, '-p', String(this.port), '-h', '127.0.0.1', '-k', this.#folder, '-F'];
    this.#process = spawn(join(this.#bin, 'postgres'), args, { ...this.#as, stdio: 'ignore', cwd: '/' });
    await until('PostgreSQL answers', async () => {
      const client = new pg.Client({
        connectionString: this.url.replace('@', `:${encodeURIComponent(this.password)}@`),
      });
      client.on('error', () => undefined);
      await client.connect();
      await client.end();
      return true;
    });
  }

  /** Everybody's connections break. */
  async kill(): Promise<void> {
    const running = this.#process;
    if (!running || running.exitCode !== null || running.signalCode !== null) return;
    const ended = once(running, 'exit');
    running.kill('SIGQUIT');
    await ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true });
  }
}
