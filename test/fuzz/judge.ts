/**
 * Asks at random requests one after the other and judges every answer:
 * - none is an internal error (501 only where the endpoint says so);
 * - what is refused changes nothing that somebody owns;
 * - nobody but their project and administrators changes or sees what a project owns, and readers change nothing.
 */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Endpoint } from '../../src/api/zun/endpoint.ts';
import { zunEndpoints } from '../../src/api/zun/endpoints.ts';
import { containersInPhase } from '../../src/store/container/containers.ts';
import { imagesInPhase } from '../../src/store/container/images.ts';
import { allPendingOperations } from '../../src/store/container/operations.ts';
import type { ZunApi } from '../helpers/zun-api.ts';
import { type FuzzRequest, type Known, projects, requestOf } from './requests.ts';

/** The settings that a cloud is to have for it: webhooks lead to where nobody listens. */
export const fuzzSettings = { webhooks: { allowedAddresses: ['127.0.0.1/32'] } };

/** Stands in things of a project that nobody else may see. */
const markOf = (project: string) => `mark-of-${project}-9f2c`;
const refillEvery = 200;

export class Judge {
  readonly #api: ZunApi;
  readonly #endpoints: readonly Endpoint[];
  /** What was read last, and how many rows had been written until then: nothing changes without a write. */
  #seen: { readonly writes: number; readonly owned: Record<string, string> } | undefined;
  #known: Known = { containers: [], registries: [], webhooks: [], images: [], deleted: [] };
  #asked = 0;

  constructor(api: ZunApi) {
    this.#api = api;
    // Requests come one after the other: none may wait for what another would do.
    api.world.agent.isBrief = true;
    this.#endpoints = zunEndpoints(api.world.control).filter(({ goesOn }) => !goesOn);
  }

  /** Requests for what is there just now. */
  async arbitrary(): Promise<fc.Arbitrary<FuzzRequest>> {
    await this.#refill();
    return fc.oneof(...this.#endpoints.map((endpoint) => requestOf(endpoint, this.#known)));
  }

  /** Throws an AssertionError that shows the request. */
  async ask(request: FuzzRequest): Promise<number> {
    if (this.#asked > 0 && this.#asked % refillEvery === 0) await this.#refill();
    this.#asked += 1;
    const { method, url, token, version, body, raw } = request;
    const before = await this.#owned();
    const hasBody = method !== 'GET' && method !== 'DELETE';
    const sent = raw !== undefined ? { raw } : hasBody ? { body } : {};
    const answer = await this.#api.ask(method, url, { token, version, ...sent });
    const what = `${JSON.stringify(request)} → ${answer.status} ${JSON.stringify(answer.body).slice(0, 400)}`;
    assert.ok(answer.status < 500 || answer.status === 501, `an internal error: ${what}`);
    if (answer.status < 400 && method !== 'GET') await this.#settle();
    const after = await this.#owned();
    if (answer.status >= 400) assert.deepEqual(after, before, `refused, and changed something: ${what}`);
    for (const project of projects) {
      if (token === 'admin' || token === project) continue;
      assert.equal(after[project], before[project], `changed what is ${project}'s: ${what}`);
      const mayLook = token === `reader-of-${project}`;
      const text = JSON.stringify(answer.body ?? '');
      assert.ok(mayLook || !text.includes(markOf(project)), `showed what is ${project}'s: ${what}`);
    }
    return answer.status;
  }

  /** What each project owns; read again only when something was written. */
  async #owned(): Promise<Record<string, string>> {
    const writes = await this.#countWrites();
    if (this.#seen?.writes !== writes) this.#seen = { writes, owned: await this.#readOwned() };
    return this.#seen.owned;
  }

  /** Rows written on the one connection, those of undone transactions among them. */
  async #countWrites(): Promise<number> {
    const { db } = this.#api.world;
    const changes = db.selectNoFrom((eb) => eb.fn<number>('total_changes').as('count'));
    return (await changes.executeTakeFirstOrThrow()).count;
  }

  /** What each project owns and decided about, as one text; what agents report is not in it. */
  async #readOwned(): Promise<Record<string, string>> {
    const { db } = this.#api.world;
    const containers = await db
      .selectFrom('containers')
      .select(['project_id', 'uuid', 'name', 'spec', 'security_groups'])
      .orderBy('uuid')
      .execute();
    const actions = await db
      .selectFrom('container_actions')
      .select(['project_id', 'id', 'verb'])
      .orderBy('seq')
      .execute();
    const registries = await db.selectFrom('container_registries').selectAll().orderBy('id').execute();
    const quotas = await db.selectFrom('container_quotas').selectAll().execute();
    const webhooks = await db.selectFrom('webhooks').selectAll().orderBy('id').execute();
    const deleted = await db.selectFrom('deleted_containers').selectAll().orderBy('id').execute();
    const rows = [...containers, ...actions, ...registries, ...webhooks, ...quotas, ...deleted];
    return Object.fromEntries(
      projects.map((project) => [
        project,
        JSON.stringify(rows.filter(({ project_id: owner }) => owner === project)),
      ]),
    );
  }

  /** A few things of each project, all settled: what is in progress ends before the next requests. */
  async #refill(): Promise<void> {
    const { world } = this.#api;
    await world.agent.beat();
    for (const verb of ['enable', 'force_down']) {
      const query = `host=host-1&binary=zun-compute${verb === 'force_down' ? '&forced_down=false' : ''}`;
      await this.#api.ask('PUT', `/v1/services/${verb}?${query}`, { token: 'admin' });
    }
    for (const project of projects) await this.#refillProject(project);
    await this.#settle();
    const containers = await world.db.selectFrom('containers').select(['uuid', 'name']).execute();
    const registries = await world.db.selectFrom('container_registries').select('uuid').execute();
    const webhooks = await world.db.selectFrom('webhooks').select('uuid').execute();
    const images = await world.db.selectFrom('container_images').select('uuid').execute();
    const deleted = await world.db
      .selectFrom('deleted_containers')
      .select('uuid')
      .orderBy('id', 'desc')
      .limit(20)
      .execute();
    this.#known = {
      containers: containers.flatMap(({ uuid, name }) => [uuid, name]),
      registries: registries.map(({ uuid }) => uuid),
      webhooks: webhooks.map(({ uuid }) => uuid),
      images: images.map(({ uuid }) => uuid),
      deleted: deleted.map(({ uuid }) => uuid),
    };
  }

  /** What was accepted comes to its end, so that it does not look like the next request's doing. */
  async #settle(): Promise<void> {
    const { world } = this.#api;
    await world.until('nothing is under way', async () => {
      await world.control.settle();
      const open = await allPendingOperations(world.db);
      const [images, ports] = await Promise.all([
        imagesInPhase(world.db, ['pulling', 'deleting']),
        containersInPhase(world.db, ['wanted', 'releasing']),
      ]);
      return open.length + images.length + ports.length === 0;
    });
  }

  async #refillProject(token: (typeof projects)[number]): Promise<void> {
    const { db } = this.#api.world;
    await this.#api.ask('DELETE', `/v1/quotas/${token}`, { token: 'admin' });
    const there = await db.selectFrom('containers').select('uuid').where('project_id', '=', token).execute();
    for (const { uuid } of there.slice(6)) {
      await this.#api.ask('DELETE', `/v1/containers/${uuid}?force=true`, { token: 'admin' });
    }
    for (let count = there.length; count < 3; count++) {
      const body = {
        image: 'busybox',
        environment: { MARK: markOf(token) },
        tty: count === 1,
        interactive: count === 2,
      };
      await this.#api.ask('POST', '/v1/containers?run=true', { token, body });
    }
    const owned = await db
      .selectFrom('container_registries')
      .select('uuid')
      .where('project_id', '=', token)
      .execute();
    for (const { uuid } of owned.slice(4)) await this.#api.ask('DELETE', `/v1/registries/${uuid}`, { token });
    const hooks = await db.selectFrom('webhooks').select('uuid').where('project_id', '=', token).execute();
    const own = { token, version: '1.41' };
    for (const { uuid } of hooks.slice(4)) await this.#api.ask('DELETE', `/v1/webhooks/${uuid}`, own);
    const webhook = { url: `http://127.0.0.1:1/${markOf(token)}` };
    if (hooks.length < 2) await this.#api.ask('POST', '/v1/webhooks', { ...own, body: webhook });
    const registry = { domain: 'r.example', name: markOf(token), username: 'u', password: 'p' };
    if (owned.length < 2) await this.#api.ask('POST', '/v1/registries', { token, body: { registry } });
  }
}

/** `count` requests from a seed; returns how often each status was answered. */
export async function fuzz(
  api: ZunApi,
  {
    count,
    seed,
    tell,
  }: { readonly count: number; readonly seed: number; readonly tell?: (done: number) => void },
): Promise<Map<number, number>> {
  const judge = new Judge(api);
  const statuses = new Map<number, number>();
  for (let done = 0; done < count; done += refillEvery) {
    const arbitrary = await judge.arbitrary();
    const requests = fc.sample(arbitrary, {
      seed: seed + done,
      numRuns: Math.min(refillEvery, count - done),
    });
    for (const request of requests) {
      const status = await judge.ask(request);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
    tell?.(done + requests.length);
  }
  return statuses;
}
