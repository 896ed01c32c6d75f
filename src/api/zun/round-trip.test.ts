/** A client made of `GET /openapi.json` alone asks for everything in it, and gets what it says. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  complaints,
  type Document,
  type DocumentedOperation,
  operationsOf,
  requestFor,
} from '../../../test/contract/document-client.ts';
import { callerOf } from '../../../test/helpers/container-world.ts';
import { createZunApi, type ZunApi } from '../../../test/helpers/zun-api.ts';

let api: ZunApi;
const operations = await documented();

async function documented(): Promise<DocumentedOperation[]> {
  const look = await createZunApi();
  try {
    const { body } = await look.ask('GET', '/openapi.json', { token: null, version: null });
    return operationsOf(body as Document).filter(({ operation }) => !operation['x-not-yet']);
  } finally {
    await look.close();
  }
}

before(async () => {
  const quotas = { containers: -1, cpu: -1, memory: -1 };
  const scheduler = { cpuAllocationRatio: 1e6, memoryAllocationRatio: 1e6 };
  const findSubject = async (user: string, project: string | null) => callerOf(project ?? user);
  const webhooks = { allowedAddresses: ['127.0.0.1/32'] };
  api = await createZunApi({ quotas, scheduler, webhooks }, { findSubject });
  api.world.agent.execs.add('a'.repeat(64));
});
after(() => api.close());

const as = (token: string) => ({ token, version: '1.41' });

async function container(isRunning: boolean): Promise<string> {
  const body = { image: 'busybox', tty: true, interactive: true };
  const { uuid } = (await api.ask('POST', `/v1/containers?run=${isRunning}`, { ...as('admin'), body })).body;
  await api.world.until('it is made', async () => (await api.world.row(uuid))?.status !== 'Creating');
  return uuid;
}

async function image(): Promise<string> {
  const body = { repo: `image-${crypto.randomUUID()}`, host: 'host-1' };
  const { uuid } = (await api.ask('POST', '/v1/images', { ...as('admin'), body })).body;
  await api.world.until('it is pulled', async () => {
    const { body: now } = await api.ask('GET', `/v1/images/${uuid}`, as('admin'));
    return now.status === 'Ready';
  });
  return uuid;
}

async function registry(): Promise<string> {
  const body = { registry: { domain: 'r.example' } };
  return (await api.ask('POST', '/v1/registries', { ...as('admin'), body })).body.registry.uuid;
}

/** Nobody listens there. */
async function webhook(): Promise<string> {
  const body = { url: 'http://127.0.0.1:1/' };
  return (await api.ask('POST', '/v1/webhooks', { ...as('admin'), body })).body.uuid;
}

async function paused(): Promise<string> {
  const uuid = await container(true);
  await api.ask('POST', `/v1/containers/${uuid}/pause`, as('admin'));
  await api.world.until('it is paused', async () => (await api.world.row(uuid))?.status === 'Paused');
  return uuid;
}

/** What a path's `{ident}` is of, by the first part of the path. */
const makers: Readonly<Record<string, () => Promise<string>>> = {
  containers: () => container(true),
  images: image,
  registries: registry,
  webhooks: webhook,
  hosts: async () => 'host-1',
};
const makersOf: Readonly<Record<string, () => Promise<string>>> = {
  'POST /v1/containers/{ident}/unpause': paused,
  'POST /v1/containers/{ident}/start': () => container(false),
  'DELETE /v1/containers/{ident}': () => container(false),
};

async function deletedContainer(): Promise<string> {
  const uuid = await container(false);
  await api.ask('DELETE', `/v1/containers/${uuid}`, as('admin'));
  await api.world.until('it is gone', async () => (await api.world.row(uuid)) === undefined);
  return uuid;
}

/** Things that are there, by the names that the document has for them. */
const always = {
  host: 'host-1',
  binary: 'zun-compute',
  project: 'alice',
  user: 'alice',
  action: 'container:start',
  seconds: 0,
  path: '/x',
};
/** What the document only says in words. */
const knownFor: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  'POST /v1/containers/{ident}/execute': { command: 'id' },
  'POST /v1/containers/{ident}/network_attach': { network: 'other' },
  'POST /v1/containers/{ident}/network_detach': { network: 'net-default' },
  'POST /v1/containers/{ident}/default_gateway': { network: 'net-default' },
  'POST /v1/containers/{ident}/remove_security_group': { name: 'default' },
  'POST /v1/containers/{ident}/put_archive': { data: `${'A'.repeat(1366)}==` },
  'POST /v1/registries': { registry: { domain: 'r.example' } },
  'POST /v1/webhooks': { url: 'https://hooks.example/x' },
  'POST /v1/containers': { image: 'busybox' },
  'DELETE /v1/containers': { all: true },
  'POST /v1/images': { repo: 'nginx' },
};

async function identFor({ key, path }: DocumentedOperation): Promise<string> {
  const collection = path.split('/')[2] ?? '';
  return (makersOf[key] ?? makers[collection] ?? (async () => 'none'))();
}

async function knownOf(each: DocumentedOperation): Promise<Record<string, unknown>> {
  const ident = each.path.includes('{ident}') ? await identFor(each) : 'none';
  const known: Record<string, unknown> = { ...always, ...knownFor[each.key], ident };
  if (each.path.includes('{request}')) {
    const { body } = await api.ask('GET', `/v1/containers/${ident}/container_actions`, as('admin'));
    known.request = body.containerActions[0].request_id;
  }
  if (each.path.includes('{uuid}')) known.uuid = await deletedContainer();
  if (each.path === '/v1/containers') delete known.host;
  if (each.path.endsWith('/get_archive')) api.world.agent.files.set(`${ident} /x`, Buffer.alloc(1024));
  return known;
}

for (const each of operations) {
  test(`${each.key} at ${each.version} answers what the document says`, async () => {
    const { method, url, version, body } = requestFor(each, await knownOf(each));
    const sent = body === undefined ? {} : { body };
    const answer = await api.ask(method, url, { token: 'admin', version, ...sent });
    assert.deepEqual(complaints(each.operation, answer.status, answer.body), [], `${method} ${url}`);
    if (each.path.startsWith('/v1/services')) await restore();
  });
}

async function restore(): Promise<void> {
  const target = '?host=host-1&binary=zun-compute';
  await api.world.agent.beat();
  await api.ask('PUT', `/v1/services/enable${target}`, as('admin'));
  await api.ask('PUT', `/v1/services/force_down${target}&forced_down=False`, as('admin'));
}

test('a wrong answer would be seen', () => {
  const list = operations.find(({ key }) => key === 'GET /v1/containers');
  assert.ok(list);
  assert.notDeepEqual(complaints(list.operation, 200, { containers: [{ uuid: 7 }], next: null }), []);
  assert.notDeepEqual(complaints(list.operation, 201, { containers: [], next: null }), []);
  assert.ok(operations.length > 50);
});
