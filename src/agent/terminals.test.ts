import assert from 'node:assert/strict';
import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { until } from '../../test/helpers/until.ts';
import { silentLog } from '../base/log.ts';
import { Switchboard } from '../bus/in-process.ts';
import { FakeEngine } from '../docker/fake.ts';
import { Failure, isFailure } from '../model/failure.ts';
import { execCreate, execResult } from '../wire/agent-questions.ts';
import { attachContainer, startExec } from '../wire/streams.ts';
import { serveTerminals } from './terminals.ts';

const uuid = crypto.randomUUID();
const agent = { kind: 'agent', host: 'h1' } as const;

async function world() {
  const board = new Switchboard(silentLog());
  const engine = new FakeEngine();
  engine.images.add('busybox:latest');
  const body = { Image: 'busybox', Env: [], Labels: {}, Tty: true, OpenStdin: true };
  const host = { NetworkMode: 'none', Privileged: false, AutoRemove: false };
  const id = await engine.createContainer('box', { ...body, HostConfig: host });
  await engine.startContainer(id);
  const server = board.connect({ kind: 'server' });
  const get = async (asked: string) => {
    const found = asked === uuid ? await engine.findContainer(id) : undefined;
    if (!found) throw new Failure('invalid', 'Cannot operate an uncreated container.');
    return found;
  };
  serveTerminals({ bus: board.connect(agent), engine, log: silentLog(), get });
  return { engine, id, server };
}

test('what is typed reaches the process, what it says comes back, and its end ends both ways', async () => {
  const { server } = await world();
  const typed = new PassThrough();
  const { download } = await server.streams.open('h1', attachContainer, { uuid }, typed);
  typed.write('ls\n');
  const [first] = (await download.take(1).toArray()) as [Buffer];
  assert.equal(first.toString(), 'ls\n');

  const again = new PassThrough();
  const second = await server.streams.open('h1', attachContainer, { uuid }, again);
  again.end('exit\n');
  assert.equal(await text(second.download), 'exit\n');
  await until('nothing is typed any more', async () => again.destroyed);
});

test('a command that ends is left alone; one that is left is hung up', async () => {
  const { engine, id, server } = await world();
  const ask = { uuid, command: ['sh'], tty: true, interactive: true };
  const make = async () => (await server.call(agent, execCreate, ask)).execId;

  const ends = await make();
  assert.deepEqual(engine.execs.get(ends)?.command, ['sh']);
  const typed = new PassThrough();
  const opened = await server.streams.open('h1', startExec, { uuid, execId: ends }, typed);
  typed.end('bye');
  assert.equal(await text(opened.download), 'bye');
  assert.ok(!engine.calls.includes(`hangUpExec ${id}`));
  Object.assign(engine.execs.get(ends) ?? {}, { exitCode: 3 });
  assert.deepEqual(await server.call(agent, execResult, { uuid, execId: ends }), { exitCode: 3 });

  const left = await make();
  const { download } = await server.streams.open('h1', startExec, { uuid, execId: left }, new PassThrough());
  download.destroy();
  await until('it is hung up', async () => engine.execs.get(left)?.exitCode === 129);

  const broken = await make();
  const connection = new PassThrough();
  await server.streams.open('h1', startExec, { uuid, execId: broken }, connection);
  connection.destroy();
  await until('it is hung up, too', async () => engine.execs.get(broken)?.exitCode === 129);
});

test('a command that ends before anybody has typed is heard all the same', async () => {
  const { engine, server } = await world();
  const ask = { uuid, command: ['true'], tty: false, interactive: false };
  const { execId } = await server.call(agent, execCreate, ask);
  engine.startExec = async () => ({ input: new PassThrough().destroy(), output: Readable.from(['done\n']) });
  const typed = new PassThrough();
  const { download } = await server.streams.open('h1', startExec, { uuid, execId }, typed);
  assert.equal(await text(download), 'done\n');
  await until('nothing is typed any more', async () => typed.destroyed);
});

test('who cannot be talked with is refused, and the typing ends', async () => {
  const { engine, id, server } = await world();
  const cases = [
    server.streams.open('h1', attachContainer, { uuid: crypto.randomUUID() }, new PassThrough()),
    server.streams.open('h1', startExec, { uuid, execId: 'f'.repeat(64) }, new PassThrough()),
  ];
  for (const attempt of cases) await assert.rejects(attempt, (error) => isFailure(error) && error.remote);
  await engine.stopContainer(id);
  const stopped = server.streams.open('h1', attachContainer, { uuid }, new PassThrough());
  await assert.rejects(stopped, (error) => isFailure(error, 'conflict'));
  const typed = new PassThrough();
  const nobody = server.streams.open('h2', attachContainer, { uuid }, typed);
  await assert.rejects(nobody, (error) => isFailure(error, 'unavailable'));
  assert.ok(typed.destroyed);
});
