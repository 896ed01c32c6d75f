/** Quotas that cannot be raced: two hundred creates at once, over HTTP, against room for fifty. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createZunApi, type ZunApi } from '../../../test/helpers/zun-api.ts';

const [asked, room] = [200, 50];
let api: ZunApi;
let url: string;

before(async () => {
  const vast = { cpuAllocationRatio: 1e6, memoryAllocationRatio: 1e6 };
  api = await createZunApi({ quotas: { containers: room, cpu: -1, memory: -1 }, scheduler: vast });
  url = await api.app.listen({ host: '127.0.0.1', port: 0 });
});
after(() => api.close());

async function create(): Promise<{ status: number; body: string }> {
  const answer = await fetch(`${url}/v1/containers?run=true`, {
    method: 'POST',
    headers: { 'x-auth-token': 'alice', 'content-type': 'application/json' },
    body: JSON.stringify({ image: 'busybox', cpu: 0.1, memory: '64' }),
  });
  return { status: answer.status, body: await answer.text() };
}

const usage = async (token: string) =>
  (await api.ask('GET', `/v1/quotas/${token}?usages=True`, { token })).body;

async function listed(): Promise<{ uuid: string; status: string }[]> {
  return (await api.ask('GET', '/v1/containers')).body.containers;
}

test(`${asked} creates at once with room for ${room}: exactly ${room} are accepted, and counted`, async () => {
  const answers = await Promise.all(Array.from({ length: asked }, create));
  const accepted = answers.filter(({ status }) => status === 202);
  const refused = answers.filter(({ status }) => status === 403);
  assert.deepEqual([accepted.length, refused.length], [room, asked - room]);
  for (const { body } of refused) assert.match(body, /Quota exceeded for resources: \['containers'\]/);

  const uuids = accepted.map(({ body }) => JSON.parse(body).uuid).sort();
  assert.deepEqual((await listed()).map(({ uuid }) => uuid).sort(), uuids);
  const { containers, cpu, memory } = await usage('alice');
  assert.deepEqual([containers.in_use, memory.in_use], [room, room * 64]);
  assert.ok(Math.abs(cpu.in_use - room * 0.1) < 1e-6);
  assert.equal((await usage('bob')).containers.in_use, 0);

  await api.world.until('all run', async () => (await listed()).every(({ status }) => status === 'Running'));
  assert.equal(api.world.agent.engine.size, room);
  assert.equal(api.world.networking.ports.size, room, 'what was refused left nothing');
});

test('what is deleted makes room for exactly as many', async () => {
  const some = (await listed()).slice(0, 7);
  for (const { uuid } of some) await api.ask('DELETE', `/v1/containers/${uuid}?stop=true`);
  await api.world.until('gone', async () => (await listed()).length === room - some.length);
  const answers = await Promise.all(Array.from({ length: 40 }, create));
  assert.equal(answers.filter(({ status }) => status === 202).length, some.length);
  assert.equal((await usage('alice')).containers.in_use, room);
});
