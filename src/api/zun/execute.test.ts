/** Execute with input, environment, user, folder and time: from 1.41; below, a body may say what it likes, as it does in Zun. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createZunApi, type ZunApi } from '../../../test/helpers/zun-api.ts';

let api: ZunApi;
let url: string;
before(async () => {
  api = await createZunApi();
  const { body } = await api.ask('POST', '/v1/containers?run=true', { body: { image: 'busybox' } });
  url = `/v1/containers/${body.uuid}/execute`;
  await api.world.until('it runs', async () => (await api.world.row(body.uuid))?.status === 'Running');
});
after(() => api.close());

const more = {
  stdin: 'in\nput\u0000',
  environment: { A: '1' },
  user: 'app:app',
  workdir: '/srv',
  timeout: 99,
};
const execute = (body: object, version = '1.41') => api.ask('POST', url, { version, body });

test('all of it reaches the agent', async () => {
  const { status, body } = await execute({ command: 'tell', ...more });
  const { timeout, ...rest } = more;
  assert.deepEqual([status, JSON.parse(body.output)], [200, { ...rest, timeoutSeconds: timeout }]);
});

test('without it, and to an older version, the configured time and nothing else', async () => {
  for (const [body, version] of [
    [{ command: 'tell' }, '1.41'],
    [{ command: 'tell', ...more }, '1.40'],
  ] as const) {
    const answer = await execute(body, version);
    assert.deepEqual(JSON.parse(answer.body.output), { timeoutSeconds: 5 });
  }
});

test('a command that takes longer than its own time is 409', async () => {
  const { status, body } = await execute({ command: 'sleep 9', timeout: 1 });
  assert.deepEqual([status, body.errors[0].title], [409, 'Timeout on executing command: sleep 9']);
});

const wrong: readonly object[] = [
  { stdin: 5 },
  { stdin: 'x'.repeat(1_048_577) },
  { environment: ['A=1'] },
  { environment: { A: 1 } },
  { user: 'a b' },
  { workdir: 'srv' },
  { timeout: 0 },
  { timeout: 3601 },
  { timeout: '5' },
  { detach: true },
];
for (const body of wrong) {
  test(`400 for ${JSON.stringify(body).slice(0, 50)}`, async () => {
    assert.equal((await execute({ command: 'tell', ...body })).status, 400);
  });
}
