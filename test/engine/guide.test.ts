/** The networking guide, run as it is written: every command, in order, on a fresh Berth. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { splitWords } from '../../src/cli/shell-words.ts';
import { Machine } from '../helpers/machine.ts';

const root = resolve(import.meta.dirname, '../..');
const server = '["sh","-c","trap \\"exit 0\\" TERM; httpd -f -p 80 -h /tmp & wait"]';
let machine: Machine;

const berth = (args: readonly string[]) =>
  machine.exec(process.execPath, [join(root, 'bin/berth.ts'), ...args], {
    DOCKER_HOST: machine.dockerHost,
    BERTH_STATE_DIR: join(machine.disk, 'state'),
    XDG_CACHE_HOME: join(machine.disk, 'cache'),
    OS_CLOUD: '',
    OS_AUTH_URL: '',
    OS_CLIENT_CONFIG_FILE: '',
  });

before(async () => {
  machine = await Machine.start();
  const make = 'tar -c . | docker -H "$1" import --change "CMD $2" - nginx';
  await machine.must('sh', [
    ...['-ec', `cd "$0"; ${make}`],
    ...[join(machine.disk, 'image'), machine.dockerHost, server],
  ]);
  const { code, stderr } = await berth(['up', '-d']);
  assert.equal(code, 0, stderr);
});
after(async () => {
  await berth(['down']);
  await machine?.destroy();
});

/** The commands of a page's code blocks, with the exit code that a comment behind them says. */
function commandsOf(page: string): { readonly words: readonly string[]; readonly exitCode: number }[] {
  const text = readFileSync(join(root, 'docs/guide', page), 'utf8');
  const blocks = [...text.matchAll(/^```\n(.*?)^```$/gms)].map(([, block = '']) => block);
  return blocks
    .flatMap((block) => block.split('\n'))
    .filter((line) => line.startsWith('./berth '))
    .map((line) => {
      const [command = '', comment = ''] = line.split(/\s+# /);
      const exitCode = Number(/exit code (\d)/.exec(comment)?.[1] ?? 0);
      return { words: splitWords(command).slice(1), exitCode };
    });
}

test('every command of the networking guide does what it says', { timeout: 300_000 }, async () => {
  const commands = commandsOf('networking.md');
  assert.ok(commands.length > 30, String(commands.length));
  for (const { words, exitCode } of commands) {
    const { stdout, stderr, code } = await berth(words);
    assert.equal(code, exitCode, `berth ${words.join(' ')}\n${stdout}${stderr}`);
  }
});
