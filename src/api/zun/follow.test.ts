/** `GET …/logs?follow=true` over a real connection: it goes on, ends with the container, and the agent learns when its reader goes. */
import assert from 'node:assert/strict';
import { get, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { createZunApi, type ZunApi } from '../../../test/helpers/zun-api.ts';

let api: ZunApi;
let port: number;

before(async () => {
  api = await createZunApi();
  await api.app.listen({ host: '127.0.0.1', port: 0 });
  ({ port } = api.app.server.address() as AddressInfo);
});
after(() => api.close());

async function running(): Promise<string> {
  const { uuid } = (await api.ask('POST', '/v1/containers?run=true', { body: { image: 'busybox' } })).body;
  await api.world.until('it runs', async () => (await api.world.row(uuid))?.status === 'Running');
  return uuid;
}

function follow(uuid: string, token = 'alice'): Promise<IncomingMessage> {
  const headers = { 'x-auth-token': token, 'openstack-api-version': 'container 1.41' };
  const path = `/v1/containers/${uuid}/logs?follow=true`;
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, path, headers, agent: false }, resolve).on('error', reject);
  });
}

/** All that comes until the text is there. */
async function hears(answer: IncomingMessage, text: string): Promise<void> {
  let heard = '';
  for await (const chunk of answer.iterator({ destroyOnReturn: false })) {
    heard += chunk;
    if (heard.includes(text)) return;
  }
  throw new Error(`never heard ${text}: ${heard}`);
}

const speaker = (uuid: string) => {
  const stream = api.world.agent.followers.get(uuid);
  assert.ok(stream);
  return stream;
};

test('what the container says comes as it is said, and ends when the container does', async () => {
  const uuid = await running();
  const answer = await follow(uuid);
  assert.equal(answer.statusCode, 200);
  assert.equal(answer.headers['content-type'], 'text/plain; charset=utf-8');
  await hears(answer, `log of ${uuid}\n`);
  speaker(uuid).write('one\n');
  await hears(answer, 'one\n');
  await api.world.agent.exit(uuid);
  for await (const chunk of answer) assert.fail(`after the end: ${chunk}`);
  assert.equal(answer.complete, true);
});

test('a reader that goes is let go of by the agent; others read on', async () => {
  const [left, right] = [await running(), await running()];
  const [going, staying] = [await follow(left), await follow(right)];
  going.destroy();
  await api.world.until('the agent knows', async () => speaker(left).destroyed);
  speaker(right).write('still here\n');
  await hears(staying, 'still here\n');
  staying.destroy();
});

test('it is refused as logs are, and unknown before 1.41', async () => {
  const uuid = await running();
  assert.equal((await follow(uuid, 'bob')).statusCode, 404);
  const { status, body } = await api.ask('GET', `/v1/containers/${uuid}/logs?follow=true`);
  assert.deepEqual([status, body.errors[0].code], [400, 'container.schema-validation-error']);
  const unfollowed = await api.ask('GET', `/v1/containers/${uuid}/logs?follow=false`, { version: '1.41' });
  assert.match(unfollowed.body, /^log of /);
});

test('a server that stops waits for no follower', async () => {
  const own = await createZunApi();
  await own.app.listen({ host: '127.0.0.1', port: 0 });
  const { uuid } = (await own.ask('POST', '/v1/containers?run=true', { body: { image: 'busybox' } })).body;
  await own.world.until('it runs', async () => (await own.world.row(uuid))?.status === 'Running');
  const at = own.app.server.address() as AddressInfo;
  const headers = { 'x-auth-token': 'alice', 'openstack-api-version': 'container 1.41' };
  const path = `/v1/containers/${uuid}/logs?follow=true`;
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    get({ host: '127.0.0.1', port: at.port, path, headers, agent: false }, resolve).on('error', reject);
  });
  await hears(answer, 'log of');
  const broken = new Promise((resolve) => answer.once('error', resolve));
  await own.close();
  assert.ok(await broken);
});
