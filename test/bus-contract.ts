/** The contract of src/bus/bus.ts as tests: every implementation is run against it. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { PassThrough, pipeline } from 'node:stream';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import Type from 'typebox';
import type { Bus } from '../src/bus/bus.ts';
import { Failure, isFailure } from '../src/model/failure.ts';
import { defineCall, defineNotice, type Party } from '../src/wire/call.ts';
import { attachContainer } from '../src/wire/streams.ts';
import { until } from './helpers/until.ts';

const echo = defineCall({
  name: 'echo',
  to: 'server',
  request: Type.Object({ text: Type.String() }),
  reply: Type.Object({ text: Type.String(), from: Type.String() }),
  deadlineMs: 2_000,
});
const hint = defineNotice({ name: 'hint', to: 'agent', body: Type.Object({ n: Type.Number() }) });
const server: Party = { kind: 'server' };
const agent: Party = { kind: 'agent', host: 'h1' };

export function testBusContract(name: string, connect: (party: Party) => Promise<Bus>): void {
  const withPair = async (work: (server_: Bus, agent_: Bus) => Promise<void>) => {
    const [a, b] = [await connect(server), await connect(agent)];
    try {
      await work(a, b);
    } finally {
      await b.close();
      await a.close();
    }
  };
  const code = (expected: string) => (error: unknown) => isFailure(error) && error.code === expected;

  test(`${name}: a call is answered, and the callee knows the sender`, () =>
    withPair(async (s, a) => {
      s.serve(echo, async ({ text }, { from }) => ({ text, from: from.kind === 'agent' ? from.host : '' }));
      assert.deepEqual(await a.call(server, echo, { text: 'hi' }), { text: 'hi', from: 'h1' });
    }));

  test(`${name}: what does not fit the schema is refused on both sides`, () =>
    withPair(async (s, a) => {
      s.serve(echo, async () => ({ text: 1 }) as never);
      await assert.rejects(a.call(server, echo, { text: 5 } as never), code('schema-validation-error'));
      await assert.rejects(a.call(server, echo, { text: 'x' }), code('schema-validation-error'));
    }));

  test(`${name}: a failure keeps its code and is marked remote`, () =>
    withPair(async (s, a) => {
      s.serve(echo, async () => {
        throw new Failure('port-not-found', 'no port 7');
      });
      await assert.rejects(a.call(server, echo, { text: 'x' }), (error: unknown) => {
        assert.ok(isFailure(error, 'port-not-found'));
        assert.equal(error.message, 'no port 7');
        assert.equal(error.remote, true);
        return true;
      });
    }));

  test(`${name}: nobody there and nobody serving fail at once, silence at the deadline`, () =>
    withPair(async (s, a) => {
      await assert.rejects(
        s.call({ kind: 'agent', host: 'other' }, echo, { text: 'x' }),
        code('unavailable'),
      );
      await assert.rejects(a.call(server, echo, { text: 'x' }), code('unavailable'));
      let aborted = false;
      s.serve(echo, (_request, { signal }) => {
        signal.addEventListener('abort', () => {
          aborted = true;
        });
        return new Promise((resolve) =>
          signal.addEventListener('abort', () => resolve({ text: '', from: '' })),
        );
      });
      await assert.rejects(a.call(server, echo, { text: 'x' }, { deadlineMs: 20 }), code('timeout'));
      assert.equal(aborted, true);
    }));

  test(`${name}: a repeated idempotency key gets the first outcome, also a failure`, () =>
    withPair(async (s, a) => {
      let runs = 0;
      s.serve(echo, async ({ text }) => {
        runs += 1;
        if (text === 'bad') throw new Failure('conflict', `run ${runs}`);
        return { text: String(runs), from: '' };
      });
      const ask = (text: string, idempotencyKey: string) =>
        a.call(server, echo, { text }, { idempotencyKey });
      const [first, second] = await Promise.all([ask('x', 'k'), ask('x', 'k')]);
      assert.deepEqual(first, second);
      assert.deepEqual(await ask('x', 'k'), first);
      assert.notDeepEqual(await ask('x', 'other'), first);
      await assert.rejects(ask('bad', 'b'), /run 3/);
      await assert.rejects(ask('bad', 'b'), /run 3/);
    }));

  test(`${name}: notices arrive with their sender; to nobody they vanish`, () =>
    withPair(async (s, a) => {
      const got = new Promise((resolve) => a.listen(hint, (body, from) => resolve({ ...body, from })));
      s.notify({ kind: 'agent', host: 'nobody' }, hint, { n: 0 });
      s.notify(agent, hint, { n: 7 });
      assert.deepEqual(await got, { n: 7, from: server });
    }));

  test(`${name}: a duplex stream goes on after its head, both ways, and tells of either end`, () =>
    withPair(async (s, a) => {
      const gone: string[] = [];
      a.streams.serve(attachContainer, async ({ uuid }, { upload }) => {
        if (uuid === 'none') throw new Failure('conflict', 'not now');
        const download = new PassThrough();
        pipeline(upload, download, () => gone.push(uuid));
        return { head: {}, download };
      });
      const open = async (uuid: string) => {
        const upload = new PassThrough();
        return { upload, ...(await s.streams.open('h1', attachContainer, { uuid }, upload)) };
      };
      const spoken = await open('spoken');
      spoken.upload.write('one');
      assert.equal(String((await once(spoken.download, 'data'))[0]), 'one');
      const rest = text(spoken.download);
      spoken.upload.end('two');
      assert.equal(await rest, 'two');
      const left = await open('left');
      left.download.destroy();
      await until('the agent knows', async () => gone.includes('left'));
      await until('the upload ends, too', async () => left.upload.destroyed);
      const broken = await open('broken');
      broken.download.on('error', () => undefined);
      broken.upload.destroy();
      await until('the agent knows of this, too', async () => gone.includes('broken'));
      await until('and the download has ended', async () => broken.download.destroyed);
      const upload = new PassThrough();
      await assert.rejects(s.streams.open('h1', attachContainer, { uuid: 'none' }, upload), code('conflict'));
      assert.ok(upload.destroyed);
    }));
}
