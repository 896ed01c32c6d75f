/** The script as a bash uses it: what a tab offers after words. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { withCloud } from '../../../test/helpers/command-line.ts';

/** Sources the script and asks its function, as readline does. */
const asked = `
eval "$(cat)"
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _berth; printf '%s\\n' "\${COMPREPLY[@]}"`;

async function bash(): Promise<(...words: readonly string[]) => string[]> {
  await using world = await withCloud();
  const { code, stdout, stderr } = await world.berth('completion', 'bash');
  assert.equal(code, 0, stderr);
  return (...words) =>
    execFileSync('bash', ['--norc', '-c', asked, 'bash', 'berth', ...words], {
      input: stdout,
      encoding: 'utf8',
    })
      .split('\n')
      .filter((word) => word !== '');
}

test('commands, their sub-commands, options and values are completed', async () => {
  const tab = await bash();
  assert.deepEqual(tab('netw'), ['network']);
  for (const word of ['run', 'cnm', 'network', 'up']) assert.ok(tab('').includes(word), word);
  assert.deepEqual(tab('cnm', 'end'), ['endpoint']);
  assert.ok(tab('cnm', 'network', '').includes('create'));
  assert.ok(tab('cnm', 'network', 'create', '--').includes('--driver'));
  assert.deepEqual(tab('run', '--publ'), ['--publish']);
  assert.deepEqual(tab('list', '-f', 'js'), ['json']);
  assert.ok(!tab('run', '--').includes('--driver'), 'of another command');
});

test('options before and between words, and their values, are stepped over', async () => {
  const tab = await bash();
  assert.deepEqual(tab('--os-cloud', 'network', 'netw'), ['network'], 'a value is no command');
  assert.deepEqual(tab('--debug', 'cnm', 'sand'), ['sandbox']);
  assert.deepEqual(tab('cnm', '--state-dir', '/x', 'sand'), ['sandbox']);
  assert.deepEqual(tab('--os-cloud', ''), [], 'anything');
  assert.deepEqual(tab('delete', 'web', 'netw'), [], 'an operand is no command');
  assert.deepEqual(tab('cnm', 'run', '--net', 'a', '--', 'l'), [], 'belongs to another program');
});

test('every command of the program is in every script, and bash and zsh share theirs', async () => {
  await using world = await withCloud();
  const of = async (shell: string) => (await world.berth('completion', shell)).stdout;
  const [bashScript, zsh, fish] = [await of('bash'), await of('zsh'), await of('fish')];
  assert.ok(zsh.endsWith(bashScript) && zsh.startsWith('autoload'));
  for (const path of ['cnm sandbox', 'router gateway set', 'security-group rule create', 'completion']) {
    assert.ok(bashScript.includes(`'${path}')`), path);
    assert.ok(fish.includes(`__berth_is "${path}"`), path);
  }
  execFileSync('bash', ['-n'], { input: bashScript });
  const { code, stderr } = await world.berth('completion', 'tcsh');
  assert.equal(code, 2);
  assert.match(stderr, /expected bash, zsh, fish/);
});
