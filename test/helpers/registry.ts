/** A registry that asks for a log-in, on loopback: Debian's docker-registry, whose data go with it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './free-port.ts';
import { until } from './until.ts';

/** The hash is bcrypt's own test vector: nothing here can make one. */
export const registryLogIn = { username: 'ann', password: 'U*U' } as const;
const hash = '$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW';

export class TestRegistry {
  /** Host and port, the first part of an image's name. */
  readonly domain: string;
  readonly #process: ChildProcess;
  readonly #folder: string;

  private constructor(domain: string, process: ChildProcess, folder: string) {
    this.domain = domain;
    this.#process = process;
    this.#folder = folder;
  }

  static async start(): Promise<TestRegistry> {
    const folder = mkdtempSync(join(tmpdir(), 'berth-registry-'));
    const domain = `127.0.0.1:${await freePort()}`;
    const passwords = join(folder, 'passwords');
    writeFileSync(passwords, `${registryLogIn.username}:${hash}\n`);
    const config = join(folder, 'config.yml');
    const settings = {
      version: 0.1,
      log: { level: 'error' },
      storage: { filesystem: { rootdirectory: join(folder, 'data') } },
      http: { addr: domain },
      auth: { htpasswd: { realm: 'test', path: passwords } },
    };
    // JSON is YAML.
    writeFileSync(config, JSON.stringify(settings));
    const process = spawn('docker-registry', ['serve', config], { stdio: 'ignore' });
    const registry = new TestRegistry(domain, process, folder);
    await until('the registry answers', async () => {
      const answer = await fetch(`http://${domain}/v2/`).catch(() => undefined);
      return answer?.status === 401;
    });
    return registry;
  }

  async stop(): Promise<void> {
    const ended = once(this.#process, 'exit');
    this.#process.kill();
    await ended;
    rmSync(this.#folder, { recursive: true });
  }
}
