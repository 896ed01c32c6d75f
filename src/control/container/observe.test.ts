import assert from 'node:assert/strict';
import { test } from 'node:test';
import { plainSpec } from '../../model/container.fixture.ts';
import type { Container, ContainerOperation } from '../../model/container-record.ts';
import type { ContainerReport, OperationOutcome } from '../../wire/agent.ts';
import { observe } from './observe.ts';

const { files: _, ...spec } = plainSpec;
const running: Container = {
  id: 1,
  uuid: 'c',
  name: 'web',
  projectId: 'p',
  userId: 'u',
  spec,
  nets: [],
  nics: [],
  securityGroupIds: null,
  exposedGroupId: null,
  host: 'h',
  portsPhase: 'ready',
  status: 'Running',
  statusReason: null,
  taskState: null,
  power: 'running',
  revision: 2,
  wasCreated: true,
  engineState: 'running',
  runtimeId: 'abc',
  exitCode: null,
  resolved: null,
  vitals: null,
  heals: null,
  startedAt: null,
  finishedAt: null,
  observedAt: '2026-11-21T09:00:10.000Z',
  createdAt: '2026-11-21T09:00:00.000Z',
  updatedAt: null,
};
const creating: Container = {
  ...running,
  status: 'Creating',
  wasCreated: false,
  engineState: null,
  runtimeId: null,
  observedAt: null,
};

const operation = (verb: ContainerOperation['verb'], args = {}): ContainerOperation => ({
  id: `op-${verb}`,
  containerUuid: 'c',
  projectId: 'p',
  userId: 'u',
  requestId: 'req-1',
  verb,
  args,
  startedAt: '2026-11-21T09:00:00.000Z',
  finishedAt: null,
  result: null,
  message: null,
});
const outcome = (
  verb: ContainerOperation['verb'],
  result: OperationOutcome['result'],
  message?: string,
): OperationOutcome => ({
  container: 'c',
  operation: `op-${verb}`,
  result,
  ...(message === undefined ? {} : { message }),
});
const look = (state: ContainerReport['state'], more: Partial<ContainerReport> = {}): ContainerReport => ({
  uuid: 'c',
  state,
  taskState: null,
  reason: null,
  failed: false,
  ...more,
});
const see = (
  container: Container,
  parts: Partial<Parameters<typeof observe>[0]> = {},
): Container & { ended: readonly string[] } => {
  const { change, ended } = observe({
    container,
    pending: [],
    report: undefined,
    outcomes: [],
    gone: false,
    ...parts,
  });
  return {
    ...container,
    ...change,
    ended: ended.map(({ operation: { verb }, result }) => `${verb} ${result}`),
  };
};

test('without operations the status follows the Engine', () => {
  for (const [state, status] of [
    ['created', 'Created'],
    ['running', 'Running'],
    ['paused', 'Paused'],
    ['restarting', 'Restarting'],
    ['exited', 'Stopped'],
    ['dead', 'Dead'],
  ] as const) {
    assert.equal(see(running, { report: look(state) }).status, status, state);
  }
});

test('a create shows its progress and ends Running', () => {
  const pending = [operation('create')];
  const pulling = see(creating, { pending, report: look('missing', { taskState: 'image_pulling' }) });
  assert.equal(pulling.status, 'Creating');
  assert.equal(pulling.taskState, 'image_pulling');
  assert.equal(pulling.wasCreated, false);
  const made = see(pulling, { pending, report: look('created', { taskState: 'container_starting' }) });
  assert.equal(made.status, 'Creating');
  assert.equal(made.wasCreated, true);
  const done = see(made, { pending, report: look('running'), outcomes: [outcome('create', 'success')] });
  assert.equal(done.status, 'Running');
  assert.equal(done.taskState, null);
  assert.deepEqual(done.ended, ['create Success']);
});

test('a create that made nothing is released with its reason; one whose start failed keeps its place', () => {
  const pending = [operation('create')];
  const outcomes = [outcome('create', 'error', 'Image x could not be found.')];
  const nothing = see(creating, { pending, report: look('missing'), outcomes });
  assert.equal(nothing.status, 'Error');
  assert.equal(nothing.statusReason, 'Image x could not be found.');
  assert.equal(nothing.portsPhase, 'releasing');
  const unstarted = see(creating, { pending, report: look('created'), outcomes });
  assert.equal(unstarted.status, 'Error');
  assert.equal(unstarted.portsPhase, 'ready');
  assert.equal(see(unstarted, { report: look('created') }).statusReason, 'Image x could not be found.');
});

test('Error stays while the Engine stays as it is, and ends when it changes', () => {
  const failed: Container = { ...running, status: 'Error', statusReason: 'why', engineState: 'exited' };
  const same = see(failed, { report: look('exited') });
  assert.equal(same.status, 'Error');
  assert.equal(same.statusReason, 'why');
  const better = see(failed, { report: look('running') });
  assert.equal(better.status, 'Running');
  assert.equal(better.statusReason, null);
});

test('a transitional status stays until its operation has ended', () => {
  const restarting: Container = { ...running, status: 'Restarting', taskState: 'container_rebooting' };
  const pending = [operation('reboot')];
  const midway = see(restarting, { pending, report: look('exited') });
  assert.equal(midway.status, 'Restarting');
  assert.equal(midway.taskState, 'container_rebooting');
  const done = see(midway, { pending, report: look('running'), outcomes: [outcome('reboot', 'success')] });
  assert.equal(done.status, 'Running');
  assert.equal(done.taskState, null);
});

test('a failed stop says so and shows what the Engine has', () => {
  const pending = [operation('stop')];
  const outcomes = [outcome('stop', 'error', 'stuck')];
  const after = see(running, { pending, report: look('running'), outcomes });
  assert.equal(after.status, 'Running');
  assert.equal(after.statusReason, 'stuck');
  assert.deepEqual(after.ended, ['stop Error']);
});

test('vanished: Error that names it, Deleted and released for auto_remove, nothing for what was never made', () => {
  const lost = see(running, { report: look('missing') });
  assert.equal(lost.status, 'Error');
  assert.equal(lost.statusReason, 'No such container: abc in docker');
  const autoRemoved = see({ ...running, spec: { ...spec, autoRemove: true } }, { report: look('missing') });
  assert.equal(autoRemoved.status, 'Deleted');
  assert.equal(autoRemoved.portsPhase, 'releasing');
  assert.equal(see(creating, { report: look('missing') }).status, 'Creating');
});

test('gone counts only with a delete, and a late report cannot undo a delete', () => {
  assert.equal(see(running, { gone: true }).portsPhase, 'ready');
  const deleting: Container = { ...running, status: 'Deleting' };
  const pending = [operation('delete')];
  assert.equal(see(deleting, { pending, report: look('running') }).status, 'Deleting');
  const failing = look('running', { failed: true, reason: 'unhealthy' });
  assert.equal(see(deleting, { pending, report: failing }).status, 'Deleting');
  const done = see(deleting, { pending, gone: true });
  assert.equal(done.portsPhase, 'releasing');
  assert.equal(done.status, 'Deleting');
  const outcomes = [outcome('delete', 'success')];
  assert.equal(see(deleting, { pending, outcomes }).portsPhase, 'releasing');
  const refused = see(deleting, { pending, outcomes: [outcome('delete', 'error', 'device is busy')] });
  assert.equal(refused.status, 'Error');
  assert.equal(refused.statusReason, 'device is busy');
});

test('a look that comes late changes nothing; a clock that was set back does not silence a host', () => {
  const late = look('exited', { observedAt: '2026-11-21T09:00:09.000Z' });
  assert.equal(see(running, { report: late }).status, 'Running');
  const setBack = look('exited', { observedAt: '2026-11-21T07:00:00.000Z' });
  assert.equal(see(running, { report: setBack }).status, 'Stopped');
  const newer = look('exited', { observedAt: '2026-11-21T09:00:11.000Z' });
  assert.equal(see(running, { report: newer }).status, 'Stopped');
});

test('a refused update goes back to the old values', () => {
  const pending = [operation('update', { previous: { cpu: 1, memoryMiB: 512 } })];
  const grown: Container = { ...running, spec: { ...spec, cpu: 8, memoryMiB: 4096 } };
  const after = see(grown, {
    pending,
    report: look('running'),
    outcomes: [outcome('update', 'error', 'no')],
  });
  assert.equal(after.spec.cpu, 1);
  assert.equal(after.spec.memoryMiB, 512);
  assert.equal(after.revision, 3);
});

test('every report may come twice', () => {
  const pending = [operation('stop')];
  const parts = { report: look('exited', { exitCode: 137 }), outcomes: [outcome('stop', 'success')] };
  const once = see(running, { ...parts, pending });
  const { ended: _ended, ...container } = once;
  const twice = see(container, parts);
  assert.deepEqual({ ...twice, ended: [] }, { ...once, ended: [] });
});
