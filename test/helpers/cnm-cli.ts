/** `berth cnm` as a user runs it, with a daemon of its own, in the test's own namespaces and with an /etc of its own. */
import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../..');
const nodeFlags = ['--disable-warning=ExperimentalWarning'];

export interface Told {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Changes below /etc are seen by this process and its children only, and gone with it. After `enterPrivateNetwork`. */
export function enterPrivateEtc(): void {
  execFileSync('mkdir', ['/run/etc', '/run/etc-work']);
  const layers = 'lowerdir=/etc,upperdir=/run/etc,workdir=/run/etc-work';
  execFileSync('mount', ['-t', 'overlay', 'overlay', '-o', layers, '/etc']);
}

export class CnmCli {
  readonly stateDir = mkdtempSync(join(tmpdir(), 'berth-cnm-'));
  readonly #prefix: readonly string[];

  /** `prefix`: what runs it elsewhere, such as `nsenter`. */
  constructor(prefix: readonly string[] = []) {
    this.#prefix = prefix;
  }

  start(...options: readonly string[]): Promise<string> {
    return this.must('serve', '-d', ...options);
  }

  /** Ends the daemon as a crash does. */
  async kill(): Promise<void> {
    const { pid } = await this.json('status');
    process.kill(pid, 'SIGKILL');
  }

  async stop(): Promise<void> {
    await this.run('stop');
    rmSync(this.stateDir, { recursive: true });
  }

  get log(): string {
    return readFileSync(join(this.stateDir, 'cnm.log'), 'utf8');
  }

  run(...words: readonly string[]): Promise<Told> {
    return new Promise((done) => {
      const [file = '', ...args] = this.#words(words);
      execFile(file, args, (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 1;
        done({ code, stdout, stderr });
      });
    });
  }

  async must(...words: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.run(...words);
    if (code !== 0) throw new Error(`berth cnm ${words.join(' ')}: exit ${code}\n${stdout}${stderr}`);
    return stdout;
  }

  // biome-ignore lint/suspicious/noExplicitAny: answers of many shapes, judged by the tests
  async json(...words: readonly string[]): Promise<any> {
    return JSON.parse(await this.must(...words, '-f', 'json'));
  }

  /** One that runs on; its output is read by the test. */
  spawn(...words: readonly string[]): ChildProcess {
    const [file = '', ...args] = this.#words(words);
    return spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  }

  #words(words: readonly string[]): string[] {
    return [
      ...this.#prefix,
      process.execPath,
      ...nodeFlags,
      join(root, 'bin/berth.ts'),
      '--state-dir',
      this.stateDir,
      'cnm',
      ...words,
    ];
  }
}
