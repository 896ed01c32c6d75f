/** Terminals of containers with the unmodified `zun` and `openstack` clients on a terminal, against a whole Berth. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Berth } from '../helpers/berth.ts';
import { Machine } from '../helpers/machine.ts';
import type { Pty } from '../helpers/pty.ts';
import { until } from '../helpers/until.ts';

let machine: Machine;
let berth: Berth;

before(async () => {
  machine = await Machine.start();
  // So often that a client that suffers from being asked whether it is there would show it.
  berth = new Berth(machine, { consoles: { pingSeconds: 1 } });
  await berth.up();
});
after(async () => {
  await machine?.destroy();
});

const zun = (...args: readonly string[]) => berth.clientOnTerminal({ rows: 33, columns: 99 }, 'zun', ...args);

const processesIn = async (name: string) =>
  (await machine.docker('top', await berth.dockerName(name))).stdout;

/** What is typed before the client listens is lost. */
async function untilPrompt(terminal: Pty): Promise<void> {
  await terminal.sees(/connected to .*, press Enter/);
  await until('there is a prompt', async () => {
    terminal.type('\r');
    return terminal.hasSeen(/# /);
  });
}

test('zun run -i: a shell is there, at the size of the terminal; leaving it ends the container and the client', async () => {
  const terminal = zun('run', '-i', '-n', 'deck', 'busybox', 'sh');
  await untilPrompt(terminal);
  terminal.type('busybox stty size; echo $((6*7))\r');
  await terminal.sees(/33 99\r\n42\r\n/);
  terminal.type('exit\r');
  assert.equal(await terminal.exited, 0);
  await berth.untilStatus('deck', 'Stopped');
});

test('zun attach: two see the same terminal; one leaves by closing the window, the container stays', async () => {
  await berth.cli('start', 'deck');
  await berth.untilStatus('deck', 'Running');
  const [first, second] = [zun('attach', 'deck'), zun('attach', 'deck')];
  for (const each of [first, second]) await untilPrompt(each);
  first.type('echo both $((40+2))\r');
  for (const each of [first, second]) await each.sees(/both 42\r\n/);
  second.close();
  await second.exited;
  first.resize(21, 71);
  await until('the container has that size', async () => {
    first.type('busybox stty size\r');
    return await first.sees(/\d+ \d+\r\n/).then((seen) => seen.includes('21 71'));
  });
  // Ctrl-P Ctrl-Q, as from docker.
  first.type('\x10\x11');
  await first.exited;
  assert.equal((await berth.container('deck')).status, 'Running');
});

test('zun exec -i: a command with a terminal, whose size follows; it is gone with its window', async () => {
  const terminal = zun('exec', '-i', 'deck', 'sh');
  await untilPrompt(terminal);
  terminal.type('busybox stty size\r');
  await terminal.sees(/33 99\r\n/);
  terminal.resize(20, 60);
  await until('the command has that size', async () => {
    terminal.type('busybox stty size\r');
    return await terminal.sees(/\d+ \d+\r\n/).then((seen) => seen.includes('20 60'));
  });
  terminal.type('exit\r');
  assert.equal(await terminal.exited, 0);

  const left = zun('exec', '-i', 'deck', 'sh', '-c', 'echo here; sleep 991; true');
  await left.sees(/here/);
  assert.match(await processesIn('deck'), /sleep 991/);
  left.close();
  await until('it is gone', async () => !/sleep 991/.test(await processesIn('deck')));
});

test('openstack appcontainer attach and exec --interactive', async () => {
  const openstack = (...args: readonly string[]) =>
    berth.clientOnTerminal({ rows: 30, columns: 90 }, 'openstack', 'appcontainer', ...args);
  const attached = openstack('attach', 'deck');
  await untilPrompt(attached);
  attached.type('echo aboard $((40+2))\r');
  await attached.sees(/aboard 42\r\n/);
  attached.close();
  await attached.exited;
  const command = openstack('exec', '--interactive', 'deck', 'sh');
  await untilPrompt(command);
  command.type('busybox stty size; exit\r');
  await command.sees(/30 90\r\n/);
  await command.exited;
});

const size = { rows: 27, columns: 87 };

test('berth attach: our terminal, put back however it ends', async () => {
  const attach = () => berth.cliOnTerminal(size, ['attach', 'deck'], 'stty -a');
  const attached = attach();
  await attached.sees(/attached to deck/);
  attached.type('\r');
  await attached.sees(/# /);
  await until('the container has our size', async () => {
    attached.type('busybox stty size\r');
    return await attached.sees(/\d+ \d+\r\n/).then((seen) => seen.includes('27 87'));
  });
  attached.type('echo ä$((40+2))€\r');
  await attached.sees(/ä42€\r\n/);
  attached.type('\x10\x11');
  assert.match(await attached.sees(/ icanon/), /\nopost/);
  assert.equal(await attached.exited, 0);

  const killed = attach();
  await killed.sees(/attached to deck/);
  await until('it hears', async () => {
    killed.type('\r');
    return killed.hasSeen(/# /);
  });
  await machine.must('pkill', ['-TERM', '-f', '^[^ ]*node .* attach deck']);
  await killed.sees(/ icanon/);
  assert.equal(await killed.exited, 143);
});

test('berth exec -it: a terminal that follows ours, and the command’s exit code', async () => {
  const shell = berth.cliOnTerminal(size, [
    'exec',
    '-it',
    '-e',
    'GREETING=ahoy',
    '--workdir',
    '/tmp',
    'deck',
    'sh',
  ]);
  await shell.sees(/# /);
  shell.type('echo $GREETING from $(pwd)\r');
  await shell.sees(/ahoy from \/tmp\r\n/);
  shell.resize(22, 66);
  await until('the command has that size', async () => {
    shell.type('busybox stty size\r');
    return await shell.sees(/\d+ \d+\r\n/).then((seen) => seen.includes('22 66'));
  });
  shell.type('exit 5\r');
  assert.equal(await shell.exited, 5);
  const { code, stderr } = await berth.runAs('berth', 'exec', '-it', 'deck', 'sh');
  assert.deepEqual([code, /our standard input is none/.test(stderr)], [2, true]);
  const stopped = await berth.runAs('berth', 'attach', 'nobody');
  assert.match(stopped.stderr, /nobody could not be found/);
});

test('berth attach without a terminal: what is written, until it ends', async () => {
  await berth.cli('run', '-n', 'pipe', '-i', 'busybox', 'sh', '-c', 'read line; echo "<$line>"');
  const { stdout, code } = await berth.runWithInput('one\n', 'attach', 'pipe');
  assert.deepEqual([stdout, code], ['<one>\n', 0]);
});

test('who may not attach is told why', async () => {
  await berth.cli('run', '-n', 'deaf', 'busybox', 'sleep', '1000');
  const { stdout, stderr } = await berth.client('openrc', 'zun', 'attach', 'deaf');
  assert.match(stdout + stderr, /check the interactive set properly/);
});

test('a new password ends the consoles of its user', async () => {
  const attached = berth.cliOnTerminal(size, ['attach', 'deck']);
  await attached.sees(/attached to deck/);
  const changed = await berth.client(
    'openrc-admin',
    'openstack',
    'user',
    'set',
    '--password',
    'another',
    'demo',
  );
  assert.equal(changed.code, 0, changed.stderr);
  await attached.sees(/You may no longer use this/);
  assert.equal(await attached.exited, 1);
});
