import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../../test/helpers/until.ts';
import { silentLog } from '../base/log.ts';
import { Switchboard } from '../bus/in-process.ts';
import { Failure } from '../model/failure.ts';
import { type ContainerReport, report } from '../wire/agent.ts';
import type { RequestOf } from '../wire/call.ts';
import { Reporter } from './reporter.ts';

const running = (uuid: string, more: Partial<ContainerReport> = {}): ContainerReport => ({
  uuid,
  state: 'running',
  taskState: null,
  reason: null,
  failed: false,
  ...more,
});

function reporterWith(serve: (message: RequestOf<typeof report>) => void | Promise<void>) {
  const board = new Switchboard(silentLog());
  const server = board.connect({ kind: 'server' });
  server.serve(report, async (message) => {
    await serve(message);
    return {};
  });
  return new Reporter(board.connect({ kind: 'agent', host: 'h1' }), silentLog());
}

test('what comes while a report is under way is sent after it, the latest only, outcomes all', async () => {
  const got: RequestOf<typeof report>[] = [];
  const first = Promise.withResolvers<void>();
  const reporter = reporterWith(async (message) => {
    got.push(message);
    if (got.length === 1) await first.promise;
  });
  reporter.container(running('a'));
  await until('the first is under way', async () => got.length === 1, { everyMs: 1 });
  reporter.container(running('a', { state: 'paused' }));
  reporter.container(running('a', { state: 'exited' }));
  for (const operation of ['1', '2']) reporter.outcome({ container: 'a', operation, result: 'success' });
  first.resolve();
  await reporter.stop();
  assert.deepEqual(
    got.map(({ containers }) => containers.map(({ state }) => state)),
    [['running'], ['exited']],
  );
  assert.deepEqual(
    got[1]?.outcomes.map(({ operation }) => operation),
    ['1', '2'],
  );
});

test('what says nothing new is not sent', async () => {
  let calls = 0;
  const reporter = reporterWith(() => {
    calls += 1;
  });
  reporter.container(running('a', { observedAt: '2030-01-01T00:00:00.000Z' }));
  await until('it was sent', async () => calls === 1, { everyMs: 1 });
  reporter.container(running('a', { observedAt: '2030-01-01T00:00:01.000Z' }));
  await reporter.stop();
  assert.equal(calls, 1);
});

test('a server that is away gets it all when it is back', async () => {
  let left = 2;
  const got: string[] = [];
  const reporter = reporterWith(({ gone }) => {
    left -= 1;
    if (left >= 0) throw new Failure('unavailable', 'away');
    got.push(...gone);
  });
  reporter.gone('a');
  await until('it arrived', async () => got.length > 0, { everyMs: 1 });
  await reporter.stop();
  assert.deepEqual(got, ['a']);
});

test('one container that is refused does not hold back the others', async () => {
  const got: string[] = [];
  const reporter = reporterWith(({ containers }) => {
    if (containers.some(({ uuid }) => uuid === 'bad')) throw new Failure('conflict', 'not yours');
    got.push(...containers.map(({ uuid }) => uuid));
  });
  for (const uuid of ['a', 'bad', 'b']) reporter.container(running(uuid));
  await reporter.stop();
  assert.deepEqual(got, ['a', 'b']);
});
