/** /containers: create, list, show, update, delete. */

import { createHash } from 'node:crypto';
import type { ContainerControl } from '../../../control/container/control.ts';
import type { CreateAsk } from '../../../control/container/create.ts';
import type { ContainerUpdate } from '../../../control/container/update.ts';
import type { WaitAsk } from '../../../control/container/wait.ts';
import { type ContainerStatus, containerStatuses } from '../../../model/container.ts';
import type { Container } from '../../../model/container-record.ts';
import { Failure } from '../../../model/failure.ts';
import { toWire, toWireJson, type Viewer, withLinks } from '../container-view.ts';
import { toCreateAsk } from '../create-body.ts';
import { createFields } from '../create-fields.ts';
import { type Call, checkFieldVersion, type Endpoint, type Fields, type Input } from '../endpoint.ts';
import {
  fieldsOf,
  filterParameters,
  ownListParameters,
  parseFilters,
  parseMoreFilters,
  pick,
} from '../list-filters.ts';
import { ownMinor } from '../microversion.ts';
import { nextLink, pagingParameters, parsePage } from '../paging.ts';
import * as v from '../vocabulary.ts';

export function containerEndpoints(control: ContainerControl): Endpoint[] {
  const { config, policy } = control;
  const fields = createFields(config);
  const updates = updateFields(control);
  const viewer = async ({ caller, version }: Call, containers: readonly Container[]): Promise<Viewer> => ({
    caller,
    version,
    policy,
    now: Date.now(),
    ...(version < ownMinor ? {} : { outside: await control.outsideAddresses(containers) }),
  });
  const shown = async (call: Call, container: Container) =>
    withLinks(call.baseUrl, container, await viewer(call, [container]));

  return [
    {
      method: 'POST',
      path: '/containers',
      summary:
        'Create a container, and start it with run=true; an `Idempotency-Key` makes it once (from 1.41)',
      policy: 'container:create',
      needsJson: true,
      query: { run: { schema: v.extendedBoolean } },
      body: fields,
      status: 202,
      async handle(call) {
        const ask = toCreateAsk(call, { config, policy, fields });
        const container = await control.create(call.caller, { ...ask, ...onceOf(call) });
        return {
          location: `${call.baseUrl}/v1/containers/${container.uuid}`,
          body: await shown(call, container),
        };
      },
    },
    {
      method: 'GET',
      path: '/containers',
      summary: 'List containers',
      policy: 'container:get_all',
      checksPolicyItself: true,
      parameters: [...pagingParameters, 'all_projects', ...filterParameters],
      ownParameters: ownListParameters,
      status: 200,
      async handle(call) {
        const page = parsePage(call.query, {
          defaultSortKey: 'id',
          maxLimit: config.containers.maxListLimit,
        });
        const filters = parseFilters(call.query);
        const allProjects = v.parseWideBoolean('all_projects', call.query.all_projects);
        const more = call.version < ownMinor ? {} : { more: parseMoreFilters(call.query) };
        const containers = await control.list(call.caller, { ...page, filters, ...more, allProjects });
        const to = await viewer(call, containers);
        const ids = containers.map(({ uuid }) => uuid);
        const names = fieldsOf(call);
        const json = (container: Container) =>
          names ? JSON.stringify(pick(toWire(container, to), names)) : toWireJson(container, to);
        const items = containers.map(json).join(',');
        const next = JSON.stringify(nextLink(call, 'containers', page, ids));
        return { json: `{"containers":[${items}],"next":${next}}` };
      },
    },
    {
      method: 'GET',
      path: '/containers/:ident',
      summary: 'Show a container; from 1.41 on when it has a status that is waited for',
      policy: 'container:get_one',
      checksPolicyItself: true,
      ownParameters: ['fields', 'wait_for', 'timeout'],
      status: 200,
      async handle(call) {
        const allProjects = v.parseWideBoolean('all_projects', call.query.all_projects);
        const wait = waitOf(call);
        if (wait) await control.waitFor(call.caller, identOf(call), wait);
        const container = await control.show(call.caller, identOf(call), allProjects);
        return { body: pick(await shown(call, container), fieldsOf(call)) };
      },
    },
    {
      method: 'PATCH',
      path: '/containers/:ident',
      summary: 'Change name, auto_heal, cpu or memory in place',
      policy: 'container:update',
      checksPolicyItself: true,
      merged: updates,
      status: 200,
      async handle(call) {
        const container = await control.update(call.caller, identOf(call), toUpdate(call.input));
        return { body: await shown(call, container) };
      },
    },
    {
      method: 'POST',
      path: '/containers/:ident/resize_container',
      summary: 'Change cpu or memory in place without waiting for it',
      policy: 'container:resize_container',
      checksPolicyItself: true,
      since: 19,
      merged: updates,
      status: 202,
      async handle(call) {
        const container = await control.resize(call.caller, identOf(call), toUpdate(call.input));
        return { body: await shown(call, container) };
      },
    },
    {
      method: 'POST',
      path: '/containers/:ident/rename',
      summary: 'Give a container another name (later: PATCH)',
      policy: 'container:rename',
      checksPolicyItself: true,
      until: 13,
      merged: { name: { schema: v.newName, required: true } },
      status: 200,
      async handle(call) {
        const container = await control.rename(call.caller, identOf(call), String(call.input.name));
        return { body: await shown(call, container) };
      },
    },
    {
      method: 'DELETE',
      path: '/containers/:ident',
      summary: 'Delete a container: plain, after a stop, or by force',
      policy: 'container:delete',
      checksPolicyItself: true,
      query: deleteFields,
      status: 204,
      async handle(call) {
        const ask = { force: isTrueAt('force', call), stop: isTrueAt('stop', call) };
        const allProjects = v.isTrue(call.query.all_projects);
        await control.remove(call.caller, identOf(call), { ...ask, allProjects });
        return {};
      },
    },
  ];
}

const deleteFields = {
  force: { schema: v.extendedBoolean, since: 7, below: 'refused' },
  stop: { schema: v.extendedBoolean, since: 12, below: 'refused' },
  all_projects: { schema: v.extendedBoolean },
} as const satisfies Fields;

/** Clients say `force=False` at any version: only a true one is new. */
function isTrueAt(name: 'force' | 'stop', call: Call): boolean {
  const value = v.isTrue(call.query[name]);
  if (value) checkFieldVersion(name, deleteFields[name], call);
  return value;
}

/** The same request again: same key, same body. */
function onceOf({ idempotencyKey, body, query }: Call): Pick<CreateAsk, 'once'> {
  if (idempotencyKey === undefined) return {};
  const said = JSON.stringify([v.isTrue(query.run), body]);
  return { once: { key: idempotencyKey, fingerprint: createHash('sha256').update(said).digest('hex') } };
}

const longestWaitSeconds = 300;
const usualWaitSeconds = 30;

/** Throws `invalid-value` for what is no status, or no time. */
function waitOf({ query, version, isGone }: Call): WaitAsk | undefined {
  if (version < ownMinor || query.wait_for === undefined) return undefined;
  const statuses = [query.wait_for].flat().flatMap((text) => String(text).split(','));
  const unknown = statuses.find((status) => !(containerStatuses as readonly string[]).includes(status));
  if (unknown !== undefined) {
    throw new Failure(
      'invalid-value',
      `wait_for: '${unknown}' is no status; they are ${containerStatuses.join(', ')}`,
    );
  }
  const seconds = Number(query.timeout ?? usualWaitSeconds);
  if (!(seconds >= 0 && seconds <= longestWaitSeconds)) {
    throw new Failure('invalid-value', `timeout: a number of seconds from 0 to ${longestWaitSeconds}`);
  }
  return { statuses: statuses as ContainerStatus[], timeoutMs: seconds * 1000, isGone };
}

export function identOf({ path }: Call): string {
  return path.ident ?? '';
}

function updateFields({ config }: ContainerControl): Fields {
  const { cpu, memory } = v.resourceSchemas(config);
  return {
    cpu: { schema: cpu },
    memory: { schema: memory },
    name: { schema: v.nameOrNull },
    auto_heal: { schema: v.plainBoolean },
  };
}

function toUpdate({ cpu, memory, name, auto_heal: autoHeal }: Input): ContainerUpdate {
  return {
    ...(cpu === undefined || cpu === null ? {} : { cpu: Number(cpu) }),
    ...(memory === undefined || memory === null ? {} : { memoryMiB: Number(memory) }),
    ...(typeof name === 'string' ? { name } : {}),
    ...(autoHeal === undefined ? {} : { autoHeal: v.isTrue(autoHeal) }),
  };
}
