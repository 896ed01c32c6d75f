/** /registries: private image registries of a project. The password is never shown. */
import type { ContainerControl } from '../../../control/container/control.ts';
import type { RegistryFields } from '../../../control/container/registries.ts';
import { Failure } from '../../../model/failure.ts';
import type { Registry } from '../../../model/registry.ts';
import { linksOf } from '../container-view.ts';
import type { Call, Endpoint, Fields, Input } from '../endpoint.ts';
import { ownMinor } from '../microversion.ts';
import { pageOf } from '../page-in-memory.ts';
import { pagingParameters } from '../paging.ts';
import * as v from '../vocabulary.ts';

const filters = ['name', 'domain', 'username', 'project_id', 'user_id'] as const;
const sortKeys = ['id', 'uuid', 'created_at', 'updated_at', ...filters];
const mask = '***';

export function registryEndpoints({ registries, config }: ContainerControl): Endpoint[] {
  const { maxListLimit: maxLimit } = config.containers;
  return [
    {
      method: 'GET',
      path: '/registries',
      summary: 'List registries',
      policy: 'registry:get_all',
      checksPolicyItself: true,
      parameters: [...pagingParameters, 'all_projects', ...filters],
      status: 200,
      async handle(call) {
        const allProjects = v.parseWideBoolean('all_projects', call.query.all_projects);
        const all = (await registries.list(call.caller, allProjects)).map(toRow);
        const matching = all.filter((row) =>
          filters.every((name) => call.query[name] === undefined || row[name] === call.query[name]),
        );
        const unknownMarker = (marker: string) =>
          new Failure('registry-not-found', `Registry ${marker} could not be found.`);
        const kind = { collection: 'registries', defaultSortKey: 'id', sortKeys, maxLimit, unknownMarker };
        const { items, next } = pageOf(matching, call, kind);
        return { body: { registries: items.map(toView), next } };
      },
    },
    {
      method: 'POST',
      path: '/registries',
      summary: 'Register a registry, and the log-in for it',
      policy: 'registry:create',
      checksPolicyItself: true,
      needsJson: true,
      body: fields(v.newRegistry),
      status: 201,
      async handle(call) {
        const given = fieldsOf(call.body) as RegistryFields & { readonly domain: string };
        const registry = await registries.create(call.caller, given);
        return {
          location: `${call.baseUrl}/v1/registries/${registry.uuid}`,
          body: wrapped(registry, call),
        };
      },
    },
    {
      method: 'GET',
      path: '/registries/:ident',
      summary: 'Show a registry',
      policy: 'registry:get_one',
      checksPolicyItself: true,
      status: 200,
      handle: async (call) => ({ body: wrapped(await registries.get(call.caller, identOf(call)), call) }),
    },
    {
      method: 'PATCH',
      path: '/registries/:ident',
      summary: 'Change a registry; a new log-in counts from the next pull on',
      policy: 'registry:update',
      checksPolicyItself: true,
      body: fields(v.registryChange),
      status: 200,
      async handle(call) {
        const registry = await registries.update(call.caller, identOf(call), fieldsOf(call.body));
        return { body: wrapped(registry, call) };
      },
    },
    {
      method: 'POST',
      path: '/registries/:ident/test',
      summary: 'Try whether the registry answers and takes the log-in; `reason` says what failed',
      policy: 'registry:test',
      checksPolicyItself: true,
      since: ownMinor,
      status: 200,
      async handle(call) {
        const reason = await registries.test(call.caller, identOf(call));
        return { body: { works: reason === null, reason } };
      },
    },
    {
      method: 'DELETE',
      path: '/registries/:ident',
      summary: 'Forget a registry that no container pulls from',
      policy: 'registry:delete',
      checksPolicyItself: true,
      status: 204,
      async handle(call) {
        await registries.remove(call.caller, identOf(call));
        return {};
      },
    },
  ];
}

function fields(schema: Fields[string]['schema']): Fields {
  return { registry: { schema, required: true } };
}

function identOf({ path }: Call): string {
  return path.ident ?? '';
}

function fieldsOf({ registry }: Input): RegistryFields {
  return registry as RegistryFields;
}

function toRow(registry: Registry) {
  const { id, uuid, name, domain, username, projectId, userId, createdAt, updatedAt } = registry;
  return {
    id,
    uuid,
    name,
    domain,
    username,
    project_id: projectId,
    user_id: userId,
    created_at: createdAt,
    updated_at: updatedAt,
  };
}

function toView({ uuid, name, domain, username, project_id, user_id }: ReturnType<typeof toRow>) {
  return { uuid, name, domain, username, password: mask, project_id, user_id };
}

function wrapped(registry: Registry, { baseUrl }: Call) {
  const { uuid, ...rest } = toView(toRow(registry));
  return { registry: { uuid, links: linksOf(baseUrl, 'registries', uuid), ...rest } };
}
