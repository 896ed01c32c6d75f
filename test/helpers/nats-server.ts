/** Debian's nats-server on a port of loopback, with JetStream in a folder of its own that goes with it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './free-port.ts';
import { until } from './until.ts';

export class NatsServer implements AsyncDisposable {
  readonly port: number;
  readonly folder: string;
  #settings: object;
  #process: ChildProcess | undefined;

  private constructor(port: number, settings: object) {
    this.port = port;
    this.#settings = settings;
    this.folder = mkdtempSync(join(tmpdir(), 'berth-nats-'));
  }

  /** Settings are those of its configuration file. */
  static async start(settings: object = {}): Promise<NatsServer> {
    const server = new NatsServer(await freePort(), settings);
    await server.run();
    return server;
  }

  get url(): string {
    return `nats://127.0.0.1:${this.port}`;
  }

  /** After `kill`, with what JetStream has stored. */
  async run(settings = this.#settings): Promise<void> {
    this.#settings = settings;
    const config = join(this.folder, 'nats.conf');
    const jetstream = { store_dir: join(this.folder, 'jetstream') };
    // JSON is understood.
    writeFileSync(config, JSON.stringify({ host: '127.0.0.1', port: this.port, jetstream, ...settings }));
    this.#process = spawn('nats-server', ['-c', config], { stdio: 'ignore' });
    await until('nats-server answers', () => isOpen(this.port));
  }

  async kill(): Promise<void> {
    const running = this.#process;
    if (!running || running.exitCode !== null || running.signalCode !== null) return;
    const ended = once(running, 'exit');
    running.kill('SIGKILL');
    await ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true });
  }
}

async function isOpen(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'data');
    return true;
  } finally {
    socket.destroy();
  }
}
