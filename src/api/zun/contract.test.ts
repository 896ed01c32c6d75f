import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Compile } from 'typebox/compile';
import { contractRows, type Row } from '../../../test/contract/zun-rows.ts';
import { callerOf } from '../../../test/helpers/container-world.ts';
import { createZunApi, type ZunApi } from '../../../test/helpers/zun-api.ts';
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

before(async () => {
  // Who asks what in which order must not matter: limits are out of the way, except the one that a row is about.
  api = await createZunApi(
    {
      quotas: { containers: -1, cpu: -1, memory: -1 },
      scheduler: { cpuAllocationRatio: 1e6, memoryAllocationRatio: 1e6 },
      webhooks: { allowedAddresses: ['127.0.0.1/32'], perProject: 1000 },
    },
    { findSubject: async (user, project) => callerOf(project ?? user) },
  );
  api.world.agent.execs.add(exec);
  const image = { repo: 'busybox', host: 'host-1' };
  await api.ask('POST', '/v1/images', { token: 'admin', body: image });
});
after(() => api.close());

async function container(isRunning: boolean): Promise<string> {
  const { body } = await api.ask('POST', `/v1/containers?run=true`, {
    body: { image: 'busybox', tty: true },
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

/** What stands for the names in braces, each made once per row. */
async function thingsFor(row: Row): Promise<(text: string) => string> {
  const text = JSON.stringify(row);
  const makers: Readonly<Record<string, () => Promise<string>>> = {
    '{web}': () => container(true),
    '{box}': () => container(false),
    '{registry}': registry,
    '{webhook}': webhook,
    '{image}': image,
    '{exec}': async () => exec,
    '{gone}': deletedContainer,
  };
  const made = new Map<string, string>();
  for (const [name, make] of Object.entries(makers)) if (text.includes(name)) made.set(name, await make());
  if (text.includes('{request}')) made.set('{request}', await requestOf(made.get('{web}') ?? ''));
  return (given) => [...made].reduce((filled, [name, value]) => filled.replaceAll(name, value), given);
}

async function askFirst({ method, url, body }: NonNullable<Row['first']>, fill: (text: string) => string) {
  const sent = body === undefined ? {} : { body: JSON.parse(fill(JSON.stringify(body))) };
  const { status } = await api.ask(method, `/v1${fill(url)}`, sent);
  assert.ok(status < 300, `${method} ${url}: ${status}`);
  await api.world.control.settle();
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
  const { area, of, method, status, code, says, token = 'alice', version, body, inStatus } = row;
  const about = [token, inStatus].filter((word) => word !== undefined).join(', ');
  test(`${index} ${area} ${of}: ${method} ${row.url.slice(0, 60)} (${about}) is ${status} ${code ?? ''}`, async () => {
    const fill = await thingsFor(row);
    const url = fill(row.url);
    if (row.first) await askFirst(row.first, fill);
    const uuid = made.at(-1) ?? '';
    if (row.of.startsWith('DELETE /services')) await api.world.agent.beat();
    if (inStatus) await updateContainer(api.world.db, uuid, { status: inStatus as 'Running' });
    const options = { token, ...(version ? { version } : {}), ...(body === undefined ? {} : { body }) };
    const answer = await api.ask(method, `/v1${url}`, options);
    const said = JSON.stringify(answer.body).slice(0, 300);
    assert.equal(answer.status, status, said);
    assert.match(String(answer.headers['x-openstack-request-id']), /^req-/);
    assert.match(String(answer.headers['openstack-api-version']), /^container 1\.\d+$/);
    assert.equal(answer.headers.vary, 'OpenStack-API-Version');
    if (status >= 400) {
      assert.ok(errorShape.Check(answer.body), said);
      const [error] = (answer.body as { errors: { code: string; title: string }[] }).errors;
      assert.equal(error?.code, `container.${code}`);
      if (says) assert.match(error?.title ?? '', says);
    } else if (status !== 204) {
      const shape = shapes.get(of);
      assert.ok(
        shape?.Check(answer.body),
        `${said} ${JSON.stringify(shape?.Errors(answer.body).slice(0, 2))}`,
      );
    }
    if (of.startsWith('PUT /services') || of.startsWith('DELETE /services')) await restore();
  });
}

async function restore(): Promise<void> {
  const target = '?host=host-1&binary=zun-compute';
  await api.world.agent.beat();
  await api.ask('PUT', `/v1/services/enable${target}`, { token: 'admin' });
  await api.ask('PUT', `/v1/services/force_down${target}&forced_down=False`, { token: 'admin' });
}

test('every endpoint that is offered has a row, and the page of the rows is the one that is written', () => {
  const endpoints = zunEndpoints(api.world.control).filter(({ notYet }) => !notYet);
  const covered = new Set(rows.filter(({ area }) => area === 'endpoint').map(({ of }) => of));
  const missing = endpoints.map(({ method, path }) => `${method} ${path}`).filter((key) => !covered.has(key));
  assert.deepEqual(missing, []);
  const page = join(import.meta.dirname, '../../../docs/guide/container-contract.md');
  const text = describeRows();
  if (process.env.UPDATE_DOCS) writeFileSync(page, text);
  assert.equal(readFileSync(page, 'utf8'), text);
});

function describeRows(): string {
  const groups = Map.groupBy(rows, ({ area, of }) => `${area} \`${of}\``);
  const lines = [...groups].map(([name, list]) => {
    const [area, of] = [name.slice(0, name.indexOf(' ')), name.slice(name.indexOf(' ') + 1)];
    return `| ${area} | ${of} | ${list.length} |`;
  });
  return [
    '# Container contract',
    '',
    'What the container API promises is a table of requests and answers, `test/contract/zun-rows.ts`; `npm test -- contract` asks each of them and',
    'compares status, headers, code, words and shape. This page, written by that test with `UPDATE_DOCS=1`, says how many there are of what.',
    '`npm run fuzz -- --requests N --seed S` asks at random besides: no answer is an internal error, nobody reads or changes what is not theirs,',
    'and what is refused changes nothing. The last long run asked 1,000,000 requests from seed 20261126.',
    '',
    '| table | row | requests |',
    '|---|---|---|',
    ...lines,
    '',
  ].join('\n');
}
