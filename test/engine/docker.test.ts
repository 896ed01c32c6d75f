/** The Engine's contract against a real dockerd, on network `none`; leaves nothing behind. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import tar from 'tar-stream';
import { connectEngine } from '../../src/docker/connect.ts';
import type { ContainerBody, Conversation, EngineSignal } from '../../src/docker/engine.ts';
import { isFailure } from '../../src/model/failure.ts';
import { importBusybox, removeImage } from '../helpers/busybox-image.ts';
import { until } from '../helpers/until.ts';

const mark = `berth-test-docker-${process.pid}`;
const image = `${mark}:1`;
const label = `${mark}=1`;
const engine = connectEngine({ dockerHost: '' });

before(() => importBusybox(image));
after(async () => {
  for (const { id } of await engine.listContainers(label)) await engine.removeContainer(id);
  await removeImage(image);
  engine.close();
});

function body(command: readonly string[], more: Partial<ContainerBody> = {}): ContainerBody {
  return {
    Image: image,
    Cmd: command,
    Env: ['A=b c'],
    Labels: { [mark]: '1' },
    Tty: false,
    OpenStdin: false,
    HostConfig: { NetworkMode: 'none', Privileged: false, AutoRemove: false, Memory: 64 * 1024 * 1024 },
    ...more,
  };
}

const run = async (name: string, command: readonly string[], more: Partial<ContainerBody> = {}) => {
  const id = await engine.createContainer(`${mark}-${name}`, body(command, more));
  await engine.startContainer(id);
  return id;
};

test('the Engine answers, and says what it is', async () => {
  await engine.ping(5_000);
  const info = await engine.info();
  assert.ok(info.cpus > 0 && info.memoryBytes > 0);
  assert.ok(info.runtimes.includes('runc'));
});

test('a life: create, start, stop, start, remove; every verb may be repeated', async () => {
  const id = await run('life', ['sleep', '1000'], { Hostname: 'here', WorkingDir: '/tmp' });
  await engine.startContainer(id);
  const running = await engine.findContainer(`${mark}-life`);
  assert.equal(running?.id, id);
  assert.equal(running.state, 'running');
  assert.deepEqual(running.command, ['sleep', '1000']);
  assert.equal(running.hostname, 'here');
  assert.equal(running.workdir, '/tmp');
  assert.ok(running.startedAt && !running.finishedAt);
  await assert.rejects(engine.createContainer(`${mark}-life`, body(['true'])), (error: unknown) =>
    isFailure(error, 'conflict'),
  );
  await engine.stopContainer(id, 0);
  await engine.stopContainer(id, 0);
  await engine.killContainer(id);
  assert.equal((await engine.findContainer(id))?.state, 'exited');
  await engine.startContainer(id);
  await engine.pauseContainer(id);
  assert.equal((await engine.findContainer(id))?.state, 'paused');
  await engine.unpauseContainer(id);
  await engine.updateContainer(id, {
    Memory: 32 * 1024 * 1024,
    MemorySwap: 64 * 1024 * 1024,
    CpuShares: 512,
  });
  await engine.restartContainer(id, 0);
  assert.equal((await engine.findContainer(id))?.state, 'running');
  await engine.removeContainer(id);
  await engine.removeContainer(id);
  assert.equal(await engine.findContainer(id), undefined);
});

test('two removals at once both end when it is gone', async () => {
  const id = await run('twice', ['sleep', '1000']);
  await Promise.all([engine.removeContainer(id), engine.removeContainer(id)]);
  assert.equal(await engine.findContainer(id), undefined);
});

test('logs come demultiplexed, in part, and raw from a terminal', async () => {
  const options = { stdout: true, stderr: true, timestamps: false, tail: null, since: null };
  const script = ['sh', '-c', 'seq 1 2000; echo end; sleep 1000'];
  const plain = await run('logs', script);
  const until = async (id: string, text: string) => {
    for (;;) {
      const got = await engine.logs(id, options);
      if (got.includes(text)) return got;
    }
  };
  const all = await until(plain, 'end\n');
  assert.equal(all, `${Array.from({ length: 2000 }, (_, i) => i + 1).join('\n')}\nend\n`);
  assert.equal(await engine.logs(plain, { ...options, tail: 2 }), '2000\nend\n');
  assert.equal(await engine.logs(plain, { ...options, stdout: false }), '');
  const tty = await run('logs-tty', ['sh', '-c', 'echo hello; sleep 1000'], { Tty: true });
  assert.equal(await until(tty, 'hello'), 'hello\r\n');
});

test('logs are followed until the container ends, or until nobody reads them any more', async () => {
  const options = { stdout: true, stderr: false, timestamps: false, tail: null, since: null };
  const script = 'echo one; echo no >&2; until [ -e /go ]; do sleep 0.1; done; echo two';
  const id = await run('follow', ['sh', '-c', script]);
  const stream = await engine.followLogs(id, options);
  const heard: string[] = [];
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    heard.push(chunk.toString());
    if (heard.join('') === 'one\n') await engine.execute(id, ['sh', '-c', ': > /go'], { timeoutMs: 10_000 });
  }
  assert.equal(heard.join(''), 'one\ntwo\n');
  const tty = await run('follow-tty', ['sh', '-c', 'echo hello; sleep 1000'], { Tty: true });
  const endless = await engine.followLogs(tty, options);
  const [first] = (await once(endless, 'data')) as [Buffer];
  assert.equal(first.toString(), 'hello\r\n');
  endless.destroy();
  await once(endless, 'close');
});

test('execute gives a command input, variables, a user and a folder', async () => {
  const id = await run('exec-more', ['sleep', '1000']);
  const line = 'wc -c; echo "$A $(id -u) $(pwd)"; exit 4';
  const more = { environment: { A: 'x=y z' }, user: '1234', workdir: '/tmp', timeoutMs: 20_000 };
  const long = 'ä'.repeat(300_000);
  const { output, exitCode } = await engine.execute(id, ['sh', '-c', line], { ...more, stdin: long });
  assert.deepEqual([output.trim(), exitCode], ['600000\nx=y z 1234 /tmp', 4]);
  // Whoever does not read its input, or has none, ends all the same.
  const unread = await engine.execute(id, ['true'], { timeoutMs: 20_000, stdin: long });
  assert.deepEqual(unread, { output: '', exitCode: 0 });
  assert.equal((await engine.execute(id, ['cat'], { timeoutMs: 20_000, stdin: '' })).output, '');
  await assert.rejects(
    engine.execute(id, ['sleep', '778'], { timeoutMs: 200, stdin: 'x' }),
    /^Failure: Timeout on executing command: sleep 778/,
  );
});

test('execute returns output and exit code; past its time the process is ended', async () => {
  const id = await run('exec', ['sleep', '1000']);
  const quick = await engine.execute(id, ['sh', '-c', 'echo out; echo err >&2; exit 3'], {
    timeoutMs: 20_000,
  });
  assert.equal(quick.exitCode, 3);
  assert.deepEqual(quick.output.trim().split('\n').sort(), ['err', 'out']);
  await assert.rejects(
    engine.execute(id, ['sh', '-c', 'sleep 777; true'], { timeoutMs: 200 }),
    (error: unknown) =>
      isFailure(error, 'conflict') && /^Timeout on executing command: sh -c/.test(error.message),
  );
  for (;;) {
    const { processes } = await engine.top(id, null);
    if (!processes.some((line) => line.join(' ').includes('sleep 777'))) break;
  }
});

test('stats are there at once', async () => {
  const id = await run('stats', ['sleep', '1000']);
  const stats = await engine.stats(id);
  assert.ok(stats.memoryLimitBytes === 64 * 1024 * 1024, String(stats.memoryLimitBytes));
  assert.ok(stats.cpuNanoseconds > 0 && stats.systemCpuNanoseconds > stats.cpuNanoseconds);
});

test('files are in place before the first start', async () => {
  const id = await engine.createContainer(`${mark}-files`, body(['cat', '/etc/deep/motd']));
  const pack = tar.pack();
  pack.entry({ name: 'etc/deep/motd' }, 'hello file');
  pack.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of pack as AsyncIterable<Buffer>) chunks.push(chunk);
  await engine.putArchive(id, '/', Buffer.concat(chunks));
  await engine.startContainer(id);
  for (;;) if ((await engine.findContainer(id))?.state === 'exited') break;
  const options = { stdout: true, stderr: true, timestamps: false, tail: null, since: null };
  assert.equal(await engine.logs(id, options), 'hello file');
});

test('archives go in and out as streams; a path that is not there is the caller’s mistake', async () => {
  const id = await run('archive', ['sleep', '1000']);
  const pack = tar.pack();
  pack.entry({ name: 'note' }, 'x'.repeat(200_000));
  pack.finalize();
  await engine.putArchive(id, '/tmp', Readable.from(pack as AsyncIterable<Buffer>));
  const { stat, tar: bytes } = await engine.getArchive(id, '/tmp/note');
  assert.deepEqual([stat.name, stat.size, stat.linkTarget], ['note', 200_000, '']);
  assert.ok((await buffer(bytes)).includes('x'.repeat(200_000)));
  const isInvalid = (error: unknown) => isFailure(error, 'invalid-value');
  await assert.rejects(engine.getArchive(id, '/none'), isInvalid);
  await assert.rejects(engine.putArchive(id, '/none', Buffer.alloc(1024)), isInvalid);
  await assert.rejects(engine.putArchive(id, '/tmp/note', Buffer.alloc(1024)), isInvalid);
});

test('a terminal has a size; where there is none it cannot be set', async () => {
  const plain = await run('plain', ['sleep', '1000']);
  const isInvalid = (error: unknown) => isFailure(error, 'invalid-value');
  await assert.rejects(engine.resizeContainer(plain, { height: 24, width: 80 }), isInvalid);
  await assert.rejects(
    engine.resizeExec(plain, 'a'.repeat(64), { height: 24, width: 80 }),
    /no such exec instance/,
  );
  const id = await run('tty', ['sleep', '1000'], { Tty: true });
  await engine.resizeContainer(id, { height: 33, width: 99 });
  const { output } = await engine.execute(
    id,
    ['sh', '-c', 'stty size < /proc/1/fd/0 || stty size < /dev/console'],
    { timeoutMs: 10_000 },
  );
  assert.equal(output.trim(), '33 99');
});

/** All that was said, once it has this. */
function listener({ output }: Conversation): (text: string | RegExp) => Promise<string> {
  let heard = '';
  output.on('data', (chunk: Buffer) => {
    heard += chunk;
  });
  return (text) =>
    until(`${text} is heard`, async () => (heard.search(text) >= 0 || heard.includes(String(text))) && heard);
}

test('attaching talks with the container’s own process, which stays when one leaves', async () => {
  const id = await run('attach', ['sh'], { Tty: true, OpenStdin: true });
  const first = await engine.attach(id);
  const hears = listener(first);
  await engine.resizeContainer(id, { height: 31, width: 97 });
  first.input.write('echo $((6*7)); busybox stty size\n');
  await hears(/42\r\n31 97\r\n/);
  first.output.destroy();
  await until('the connection is gone', async () => first.input.destroyed);
  const second = await engine.attach(id);
  const again = listener(second);
  const ended = once(second.output, 'end');
  second.input.write('echo still $((40+2)); exit 7\n');
  await ended;
  await again('still 42');
  assert.equal((await engine.findContainer(id))?.exitCode, 7);
});

test('without a terminal, what comes is without frames, and both streams are there', async () => {
  const id = await run(
    'attach-plain',
    ['sh', '-c', 'while read line; do echo "<$line>"; echo "($line)" >&2; done'],
    {
      OpenStdin: true,
    },
  );
  const conversation = await engine.attach(id);
  const hears = listener(conversation);
  conversation.input.write('one\n');
  await hears('<one>\n');
  await hears('(one)\n');
  conversation.output.destroy();
});

test('a command with a terminal: at its size from the start, with its result; started once, and by its container only', async () => {
  const id = await run('exec-tty', ['sleep', '1000']);
  const options = { tty: true, interactive: true, environment: { GREETING: 'ahoy' }, workdir: '/tmp' };
  const execId = await engine.createExec(id, ['sh'], options);
  const conversation = await engine.startExec(id, execId);
  await engine.resizeExec(id, execId, { height: 29, width: 91 });
  const hears = listener(conversation);
  conversation.input.write('busybox stty size; echo $GREETING from $(pwd)\n');
  await hears(/29 91\r\nahoy from \/tmp\r\n/);
  await assert.rejects(engine.startExec(id, execId), (error) => isFailure(error, 'conflict'));
  const ended = once(conversation.output, 'end');
  conversation.input.write('exit 5\n');
  await ended;
  assert.equal(await engine.execResult(id, execId), 5);
  await engine.hangUpExec(id, execId);
  const other = await run('exec-other', ['sleep', '1000']);
  await assert.rejects(engine.startExec(other, execId), /no such exec instance/);
  await assert.rejects(engine.execResult(id, 'f'.repeat(64)), /no such exec instance/);

  const silent = await engine.createExec(id, ['sh', '-c', 'exit 3'], { interactive: false });
  const { output } = await engine.startExec(id, silent);
  assert.equal(await text(output), '');
  assert.equal(await engine.execResult(id, silent), 3);

  const missing = await engine.createExec(id, ['no-such-program'], options);
  const failed = await engine.startExec(id, missing);
  await listener(failed)(/no-such-program/);
  assert.ok((await engine.execResult(id, missing)) !== 0);
});

test('a command that is hung up ends with its children; one that does not hear it is killed', async () => {
  const id = await run('exec-left', ['sleep', '1000']);
  for (const script of ['sleep 781; true', 'trap "" HUP; while :; do sleep 782; done']) {
    const execId = await engine.createExec(id, ['sh', '-c', script], { tty: true, interactive: true });
    const { output } = await engine.startExec(id, execId);
    const isThere = async () =>
      (await engine.top(id, null)).processes.some((line) => /sleep 78[12]/.test(line.join(' ')));
    await until('it runs', isThere);
    output.destroy();
    await engine.hangUpExec(id, execId);
    await until('it is gone', async () => !(await isThere()));
    assert.notEqual(await engine.execResult(id, execId), null);
  }
});

test('a health check tells: unhealthy, how often, and what it wrote', async () => {
  const second = 1e9;
  const id = await run('health', ['sleep', '1000'], {
    Healthcheck: {
      Test: ['CMD-SHELL', 'echo ill; exit 1'],
      Interval: second / 10,
      Timeout: second,
      Retries: 1,
    },
  });
  const health = await until('it is found unhealthy', async () => {
    const { health: now } = (await engine.findContainer(id)) ?? {};
    return now?.status === 'unhealthy' && now;
  });
  assert.match(health.output, /ill/);
  assert.ok(health.failingStreak >= 1);
});

test('images: there, not there, malformed, unreachable registry', async () => {
  assert.equal(await engine.hasImage(image), true);
  assert.equal(await engine.hasImage('berth-test/none:7'), false);
  await assert.rejects(engine.hasImage('../containers/json?x'), (error: unknown) =>
    isFailure(error, 'image-not-found'),
  );
  await assert.rejects(engine.pullImage('127.0.0.1:9/nothing:1'), (error: unknown) => {
    assert.ok(isFailure(error, 'image-pull-failed'), String(error));
    assert.match(
      error.message,
      /^image "127\.0\.0\.1:9\/nothing:1" cannot be pulled: no registry answers at 127\.0\.0\.1:9/,
    );
    return true;
  });
});

test('what the Engine refuses comes in its own words', async () => {
  const id = await engine.createContainer(`${mark}-bad`, body(['/no/such/program']));
  await assert.rejects(engine.startContainer(id), (error: unknown) => {
    assert.ok(isFailure(error, 'docker-error'));
    assert.match(error.message, /no such file or directory/);
    assert.doesNotMatch(error.message, /HTTP code/);
    return true;
  });
  await assert.rejects(
    engine.createContainer(`${mark}-none`, body(['true'], { Image: 'berth-test/none:7' })),
    /No such image/,
  );
});

test('the watch tells what happens to our containers', async () => {
  const abort = new AbortController();
  const seen: EngineSignal[] = [];
  const iterator = engine.watch({ label, signal: abort.signal })[Symbol.asyncIterator]();
  assert.deepEqual((await iterator.next()).value, { kind: 'connected' });
  // Of one that ends by itself at once, dockerd may tell the end before the start.
  const id = await run('watch', ['sleep', '1000']);
  for (;;) {
    const { value } = await iterator.next();
    seen.push(value);
    if (value.kind !== 'container' || value.id !== id) continue;
    if (value.action === 'start') await engine.killContainer(id, 'KILL');
    if (value.action === 'die') break;
  }
  assert.ok(
    seen.some(
      (signal) => signal.kind === 'container' && signal.action === 'start' && signal.labels[mark] === '1',
    ),
  );
  abort.abort();
  assert.equal((await iterator.next()).done, true);
});

test('a socket where nobody answers', async () => {
  const nobody = connectEngine({ dockerHost: `unix:///run/${mark}.sock` });
  await assert.rejects(nobody.ping(1_000), (error: unknown) => isFailure(error, 'docker-unavailable'));
  assert.throws(() => connectEngine({ dockerHost: 'tcp://127.0.0.1:2375' }), /unix socket/);
});
