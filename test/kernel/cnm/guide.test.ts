/** The guide of `berth cnm`, run as it is written: every command, in order, on a host of its own. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { splitWords } from '../../../src/cli/shell-words.ts';
import { CnmCli } from '../../helpers/cnm-cli.ts';
import { SimulatedHost } from '../../helpers/simulated-host.ts';

const page = resolve(import.meta.dirname, '../../../docs/guide/cnm.md');

/** The commands of the code blocks, with the exit code that a comment behind them says. */
function commandsOf(file: string): { readonly words: readonly string[]; readonly exitCode: number }[] {
  const blocks = readFileSync(file, 'utf8').matchAll(/^```\n(.*?)^```/gms);
  return [...blocks]
    .flatMap(([, block = '']) => block.trim().split('\n'))
    .map((line) => {
      const [command = '', comment = ''] = line.split(' # ');
      return {
        words: splitWords(command.trim()),
        exitCode: Number(/exit (\d+)/.exec(comment)?.[1] ?? 0),
      };
    });
}

test('every command of the guide does what it says', async () => {
  const shared = mkdtempSync(join(tmpdir(), 'berth-shared-'));
  const host = await SimulatedHost.start();
  const berth = new CnmCli(host.enter);
  try {
    await host.exec('ip', 'address', 'add', '192.0.2.1/32', 'dev', 'lo');
    const commands = commandsOf(page);
    assert.ok(commands.length > 15);
    for (const { words, exitCode } of commands) {
      assert.deepEqual(words.slice(0, 2), ['berth', 'cnm']);
      const own = words.slice(2).map((word) => word.replace('/mnt/shared', shared));
      // The page starts the daemon for one host, and again for several.
      if (own[0] === 'serve') await berth.run('stop');
      const { code, stdout, stderr } = await berth.run(...own);
      assert.equal(code, exitCode, `${words.join(' ')}: ${stdout}${stderr}`);
    }
    assert.equal(await host.exec('ls', '/run/netns'), '');
  } finally {
    await berth.stop();
    await host.stop();
    rmSync(shared, { recursive: true });
  }
});
