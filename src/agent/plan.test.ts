import assert from 'node:assert/strict';
import { test } from 'node:test';
import { engineStates } from '../model/container.ts';
import { type OperationVerb, operationVerbs, type WantedContainer } from '../wire/agent.ts';
import { type Observed, planOperation, planRepair } from './plan.ts';
import { wantedContainer } from './world.fixture.ts';

const in_ = (state: NonNullable<Observed>['state'], more: Partial<NonNullable<Observed>> = {}): Observed => ({
  state,
  exitCode: 0,
  restartCount: 0,
  ...more,
});
const made = wantedContainer({ wasCreated: true });
const names = (steps: ReturnType<typeof planRepair>) => steps.map((step) => step.do).join(' ');
const plan = (verb: OperationVerb, observed: Observed, wanted: WantedContainer = made) =>
  names(planOperation(wanted, { id: 'o', verb }, observed));

test('an operation is planned against what is there', () => {
  const cases: readonly (readonly [OperationVerb, Observed, string])[] = [
    ['create', undefined, 'prepare start'],
    ['create', in_('created'), 'prepare start'],
    ['create', in_('running'), ''],
    ['create', in_('exited'), ''],
    ['create', in_('dead'), 'remove prepare start'],
    ['start', in_('exited'), 'start'],
    ['start', in_('running'), ''],
    ['start', in_('paused'), 'unpause'],
    ['start', undefined, 'prepare start'],
    ['stop', in_('running'), 'stop'],
    ['stop', in_('paused'), 'unpause stop'],
    ['stop', in_('exited'), ''],
    ['stop', undefined, ''],
    ['reboot', in_('running'), 'restart'],
    ['reboot', in_('exited'), 'start'],
    ['reboot', undefined, 'prepare start'],
    ['pause', in_('running'), 'pause'],
    ['pause', in_('paused'), ''],
    ['pause', in_('exited'), 'refuse'],
    ['unpause', in_('paused'), 'unpause'],
    ['unpause', in_('running'), ''],
    ['kill', in_('running'), 'kill'],
    ['kill', in_('exited'), ''],
    ['update', in_('exited'), 'update'],
    ['update', undefined, ''],
    ['network_attach', in_('running'), 'connect'],
    ['network_attach', in_('exited'), 'connect'],
    ['network_attach', undefined, ''],
    ['network_detach', in_('paused'), 'connect'],
    ['default_gateway', in_('running'), 'connect'],
    ['default_gateway', undefined, ''],
    ['network_detach', in_('dead'), ''],
    ['rebuild', in_('running'), 'pull remove prepare start'],
    ['rebuild', undefined, 'pull prepare start'],
    ['delete', in_('running'), 'keep-logs remove'],
    ['delete', undefined, ''],
  ];
  for (const [verb, observed, steps] of cases) {
    assert.equal(plan(verb, observed), steps, `${verb} when ${observed?.state ?? 'missing'}`);
  }
});

test('create without run does not start', () => {
  assert.equal(plan('create', undefined, wantedContainer({ power: 'created' })), 'prepare');
});

test('a container that never came to be is not operated', () => {
  const steps = planOperation(wantedContainer(), { id: 'o', verb: 'start' }, undefined);
  assert.deepEqual(steps, [{ do: 'refuse', reason: 'Cannot operate an uncreated container.' }]);
});

test('what was carried out already is not carried out again', () => {
  const after: Partial<Record<OperationVerb, (typeof engineStates)[number]>> = {
    start: 'running',
    stop: 'exited',
    pause: 'paused',
    unpause: 'running',
    kill: 'exited',
  };
  for (const [verb, state] of Object.entries(after)) {
    assert.equal(plan(verb as OperationVerb, in_(state)), '', verb);
  }
});

test('every verb has a plan in every state', () => {
  for (const verb of operationVerbs) {
    for (const state of [undefined, ...engineStates.filter((one) => one !== 'missing')]) {
      assert.ok(
        Array.isArray(planOperation(made, { id: 'o', verb }, state && in_(state))),
        `${verb} ${state}`,
      );
    }
  }
});

test('repair brings back what its owner wants to be there', () => {
  const with_ = (spec: Partial<WantedContainer['spec']>, power: WantedContainer['power'] = 'running') =>
    wantedContainer({ wasCreated: true, power, spec });
  const always = { restartPolicy: { name: 'always', maximumRetryCount: 0 } } as const;
  const onFailure = { restartPolicy: { name: 'on-failure', maximumRetryCount: 3 } } as const;
  const cases: readonly (readonly [string, WantedContainer, Observed, string])[] = [
    ['vanished, no policy', with_({}), undefined, ''],
    ['vanished, policy no', with_({ restartPolicy: { name: 'no', maximumRetryCount: 0 } }), undefined, ''],
    ['vanished, always', with_(always), undefined, 'prepare start'],
    ['vanished, always, stopped', with_(always, 'stopped'), undefined, ''],
    ['vanished, heals', with_({ autoHeal: true }), undefined, 'prepare start'],
    ['vanished, heals, stopped', with_({ autoHeal: true }, 'stopped'), undefined, 'prepare'],
    ['vanished, removes itself', with_({ autoRemove: true, autoHeal: true }), undefined, ''],
    ['ended, no policy', with_({}), in_('exited'), ''],
    ['ended, always', with_(always), in_('exited'), 'start'],
    ['ended, always, stopped', with_(always, 'stopped'), in_('exited'), ''],
    ['ended since Docker is up', with_(always), in_('exited', { finishedAt: '2026-01-01T00:00:01.5Z' }), ''],
    ['ended before', with_(always), in_('exited', { finishedAt: '2026-01-01T00:00:00.5Z' }), 'start'],
    ['ended well, on-failure', with_(onFailure), in_('exited'), ''],
    ['ended badly, on-failure', with_(onFailure), in_('exited', { exitCode: 1, restartCount: 2 }), 'start'],
    ['ended badly too often', with_(onFailure), in_('exited', { exitCode: 1, restartCount: 3 }), ''],
    ['running', with_(always), in_('running'), ''],
    ['restarting', with_(always), in_('restarting'), ''],
    ['paused', with_(always), in_('paused'), ''],
    ['made, not started', with_({}), in_('created'), 'prepare start'],
    ['leftover of a failed creation', wantedContainer(), in_('created'), 'remove'],
    ['never made', wantedContainer(), undefined, ''],
  ];
  const upSince = Date.parse('2026-01-01T00:00:01Z');
  for (const [what, wanted, observed, steps] of cases) {
    assert.equal(names(planRepair(wanted, observed, { upSince, isConnected: true })), steps, what);
  }
});

test('repair: a container that is whole is brought to its networks', () => {
  const plan = (state: Parameters<typeof in_>[0]) =>
    names(planRepair(made, in_(state), { upSince: 0, isConnected: false }));
  for (const state of ['running', 'paused', 'exited', 'restarting'] as const)
    assert.equal(plan(state), 'connect');
  assert.equal(plan('created'), 'prepare start');
  for (const state of ['dead', 'removing'] as const) assert.equal(plan(state), '');
});
