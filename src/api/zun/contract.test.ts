import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Compile } from 'typebox/compile';
import type { Row } from '../../../test/contract/row.ts';
import { contractRows } from '../../../test/contract/zun-rows.ts';
import { callerOf } from '../../../test/helpers/container-world.ts';
import { type AskOptions, createZunApi, type ZunApi } from '../../../test/helpers/zun-api.ts';
import { updateContainer } from '../../store/container/containers.ts';
import { zunEndpoints } from './endpoints.ts';
import { errors, replyOf } from './shapes.ts';

let api: ZunApi;
const made: string[] = [];
const rows = await listRows();

async function listRows(): Promise<Row[]> {
  const look = await createZunApi();
  try {
    return contractRows(zunEndpoints(look.world.control));
  } finally {
    await look.close();
  }
}

/** Who asks what in which order must not matter: limits are out of the way, except the one that a row is about. */
async function open(settings: Row['settings'] = {}): Promise<ZunApi> {
  const opened = await createZunApi(
    {
      quotas: { containers: -1, cpu: -1, memory: -1 },
      scheduler: { cpuAllocationRatio: 1e6, memoryAllocationRatio: 1e6 },
      webhooks: { allowedAddresses: ['127.0.0.1/32'], perProject: 1000 },
      ...settings,
    },
    { findSubject: async (user, project) => callerOf(project ?? user) },
  );
  opened.world.agent.execs.add(exec);
  return opened;
}

before(async () => {
  api = await open();
  const image = { repo: 'busybox', host: 'host-1' };
  await api.ask('POST', '/v1/images', { token: 'admin', body: image });
});
after(() => api.close());

async function container(isRunning: boolean, interactive = false): Promise<string> {
  const { body } = await api.ask('POST', `/v1/containers?run=true`, {
    body: { image: 'busybox', tty: true, interactive },
  });
  const { uuid } = body;
  made.push(uuid);
  const reaches = (status: string) =>
    api.world.until(`${uuid} ${status}`, async () => (await api.world.row(uuid))?.status === status);
  await reaches('Running');
  if (isRunning) return uuid;
  await api.ask('POST', `/v1/containers/${uuid}/stop`);
  await reaches('Stopped');
  return uuid;
}

const exec = 'a'.repeat(64);

async function registry(): Promise<string> {
  const { body } = await api.ask('POST', '/v1/registries', { body: { registry: { domain: 'r.example' } } });
  return body.registry.uuid;
}

/** Nobody listens there. */
async function webhook(): Promise<string> {
  const options = { version: '1.41', body: { url: 'http://127.0.0.1:1/' } };
  return (await api.ask('POST', '/v1/webhooks', options)).body.uuid;
}

async function deletedContainer(): Promise<string> {
  const uuid = await container(false);
  await api.ask('DELETE', `/v1/containers/${uuid}`);
  await api.world.until('it is gone', async () => (await api.world.row(uuid)) === undefined);
  return uuid;
}

async function image(): Promise<string> {
  const repo = `image-${crypto.randomUUID()}`;
  const { body } = await api.ask('POST', '/v1/images', { token: 'admin', body: { repo, host: 'host-1' } });
  await api.world.until('it is pulled', async () => {
    const { body: now } = await api.ask('GET', `/v1/images/${body.uuid}`, {
      token: 'admin',
      version: '1.41',
    });
    return now.status === 'Ready';
  });
  return body.uuid;
}

async function requestOf(uuid: string): Promise<string> {
  const { body } = await api.ask('GET', `/v1/containers/${uuid}/container_actions`);
  return body.containerActions[0].request_id;
}

/** The request of a pause that the host refuses. */
async function failedRequestOf(uuid: string): Promise<string> {
  api.world.agent.refusals.set('pause', 'it will not');
  const { headers } = await api.ask('POST', `/v1/containers/${uuid}/pause`);
  const id = String(headers['x-openstack-request-id']);
  await api.world.until('it failed', async () => {
    const { body } = await api.ask('GET', `/v1/containers/${uuid}/container_actions/${id}`);
    return body.finish_time !== null;
  });
  api.world.agent.refusals.delete('pause');
  return id;
}

/** What stands for the names in braces, each made once per row. */
async function thingsFor(row: Row): Promise<(text: string) => string> {
  const text = JSON.stringify(row);
  const makers: Readonly<Record<string, () => Promise<string>>> = {
    '{web}': () => container(true),
    '{console}': () => container(true, true),
    '{box}': () => container(false),
    '{registry}': registry,
    '{webhook}': webhook,
    '{image}': image,
    '{exec}': async () => exec,
    '{gone}': deletedContainer,
  };
  const made = new Map<string, string>();
  for (const [name, make] of Object.entries(makers)) if (text.includes(name)) made.set(name, await make());
  const web = made.get('{web}') ?? '';
  if (text.includes('{request}')) made.set('{request}', await requestOf(web));
  if (text.includes('{failed}')) made.set('{failed}', await failedRequestOf(web));
  return (given) => [...made].reduce((filled, [name, value]) => filled.replaceAll(name, value), given);
}

async function askFirst(
  { method, url, body, token = 'alice' }: NonNullable<Row['first']>,
  fill: (text: string) => string,
) {
  const sent = body === undefined ? {} : { body: JSON.parse(fill(JSON.stringify(body))) };
  const answer = await api.ask(method, `/v1${fill(url)}`, { token, ...sent });
  assert.ok(answer.status < 300, `${method} ${url}: ${answer.status}`);
  await api.world.control.settle();
  const { uuid, status } = answer.body ?? {};
  if (status === 'Creating')
    await api.world.until('it is made', async () => (await api.world.row(uuid))?.status !== 'Creating');
}

const shapes = new Map(
  rows.map(({ of, area }) => [of, area === 'endpoint' ? Compile(replyOf(splitOf(of))) : undefined]),
);
const errorShape = Compile(errors);

function splitOf(of: string) {
  const [method = '', path = ''] = of.split(' ');
  return { method, path };
}

for (const [index, row] of rows.entries()) {
  const { area, of, method, status, code, token = 'alice', inStatus } = row;
  const about = [token, inStatus].filter((word) => word !== undefined).join(', ');
  test(`${index} ${area} ${of}: ${method} ${row.url.slice(0, 60)} (${about}) is ${status} ${code ?? ''}`, async () => {
    const usual = api;
    try {
      if (row.settings) api = await open(row.settings);
      await judge(row);
    } finally {
      if (api !== usual) await api.close();
      api = usual;
    }
    if (JSON.stringify(row).includes('/services')) await restore();
  });
}

async function judge(row: Row): Promise<void> {
  const { area, of, method, status, code, says, shows, hides, inStatus } = row;
  const fill = await thingsFor(row);
  const url = fill(row.url);
  if (row.first) await askFirst(row.first, fill);
  const uuid = made.at(-1) ?? '';
  if (of.startsWith('DELETE /services')) await api.world.agent.beat();
  if (inStatus) await updateContainer(api.world.db, uuid, { status: inStatus as 'Running' });
  const answer = await api.ask(method, row.isRoot ? url : `/v1${url}`, sentBy(row, fill));
  const said = JSON.stringify(answer.body);
  assert.equal(answer.status, status, said.slice(0, 300));
  assert.match(String(answer.headers['x-openstack-request-id']), /^req-/);
  if (row.token !== null) {
    assert.match(String(answer.headers['openstack-api-version']), /^container 1\.\d+$/);
    assert.equal(answer.headers.vary, 'OpenStack-API-Version');
  }
  if (shows) assert.match(said, shows);
  if (hides) assert.doesNotMatch(said, hides);
  if (status >= 400) {
    assert.ok(errorShape.Check(answer.body), said);
    const [error] = (answer.body as { errors: { code: string; title: string }[] }).errors;
    assert.equal(error?.code, `container.${code}`);
    if (says) assert.match(error?.title ?? '', says);
  } else if (area === 'endpoint' && status !== 204 && !row.isRoot) {
    const shape = shapes.get(of);
    assert.ok(shape?.Check(answer.body), `${said} ${JSON.stringify(shape?.Errors(answer.body).slice(0, 2))}`);
  }
}

function sentBy(
  { token = 'alice', version, headers, body, raw }: Row,
  fill: (text: string) => string,
): AskOptions {
  return {
    token,
    ...(version ? { version } : {}),
    ...(headers ? { headers } : {}),
    ...(raw === undefined ? {} : { raw }),
    ...(body === undefined ? {} : { body: JSON.parse(fill(JSON.stringify(body))) }),
  };
}

async function restore(): Promise<void> {
  const target = '?host=host-1&binary=zun-compute';
  await api.world.agent.beat();
  await api.ask('PUT', `/v1/services/enable${target}`, { token: 'admin' });
  await api.ask('PUT', `/v1/services/force_down${target}&forced_down=False`, { token: 'admin' });
}
