/** A cloud in memory, and a command line that finds it in its state folder. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after } from 'node:test';
import { main } from '../../src/cli/main.ts';
import { FakeCloud } from './fake-cloud.ts';

const folder = mkdtempSync(join(tmpdir(), 'berth-cli-'));
after(() => rmSync(folder, { recursive: true }));
let homes = 0;

export async function withCloud() {
  const fake = await new FakeCloud().listen();
  homes += 1;
  const home = join(folder, String(homes));
  mkdirSync(join(home, 'state'), { recursive: true });
  writeFileSync(join(home, 'state', 'clouds.yaml'), fake.cloudsYaml());
  /** Told of all that is printed, when it is. */
  const reader = { onWrite: (_text: string): void => undefined };
  const run = async (argv: readonly string[], ask?: (question: string) => Promise<string>) => {
    const seen = { stdout: '', stderr: '' };
    const stream = (name: keyof typeof seen) => ({
      write: (text: string) => {
        seen[name] += text;
        reader.onWrite(text);
      },
    });
    const code = await main(argv, {
      stdout: stream('stdout'),
      stderr: stream('stderr'),
      env: { BERTH_STATE_DIR: join(home, 'state'), XDG_CACHE_HOME: join(home, 'cache'), HERE: 'yes' },
      cwd: home,
      home,
      root: resolve(import.meta.dirname, '../..'),
      sleep: () => new Promise((done) => setTimeout(done, 1)),
      ...(ask ? { ask } : {}),
    });
    return { code, ...seen };
  };
  /** Nobody sits there. */
  const berth = (...argv: string[]) => run(argv);
  return { fake, berth, run, home, reader, [Symbol.asyncDispose]: () => fake[Symbol.asyncDispose]() };
}
