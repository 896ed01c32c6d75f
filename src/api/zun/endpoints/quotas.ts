/** /quotas and /quota_classes. */
import type { ContainerControl } from '../../../control/container/control.ts';
import { type Quota, quotaResources } from '../../../model/container-record.ts';
import { Failure } from '../../../model/failure.ts';
import type { Call, Endpoint, Fields, Input } from '../endpoint.ts';
import { ownMinor } from '../microversion.ts';
import * as v from '../vocabulary.ts';

const limits: Fields = Object.fromEntries(quotaResources.map((name) => [name, { schema: v.quotaLimit }]));

export function quotaEndpoints({ quotas }: ContainerControl): Endpoint[] {
  /** From 1.41 a project tells which class it is in. */
  const withClass = async (call: Call, body: object): Promise<object> =>
    call.version < ownMinor
      ? body
      : { ...body, quota_class: await quotas.classOf(call.caller, projectOf(call)) };
  return [
    {
      method: 'GET',
      path: '/quotas/:project',
      summary: 'Limits of a project, with usages=True what it uses too',
      policy: 'quota:get',
      checksPolicyItself: true,
      status: 200,
      async handle(call) {
        const { limits: quota, used } = await quotas.get(call.caller, projectOf(call));
        if (!call.query.usages) return { body: await withClass(call, quota) };
        const both = quotaResources.map((name) => [name, { limit: quota[name], in_use: used[name] }]);
        return { body: await withClass(call, Object.fromEntries(both)) };
      },
    },
    {
      method: 'GET',
      path: '/quotas/:project/defaults',
      summary: 'Limits of a project without any of its own',
      policy: 'quota:get_default',
      checksPolicyItself: true,
      status: 200,
      handle: async (call) => ({ body: await quotas.defaults(call.caller, projectOf(call)) }),
    },
    {
      method: 'PUT',
      path: '/quotas/:project',
      summary: 'Set limits of a project; -1 = none; or put it into a quota class',
      policy: 'quota:update',
      merged: { ...limits, quota_class: { schema: v.quotaClass, since: ownMinor, below: 'unknown' } },
      status: 200,
      async handle(call) {
        const { quota_class: quotaClass, ...given } = call.input;
        const change = {
          limits: toLimits(given),
          ...(quotaClass === undefined ? {} : { quotaClass: quotaClass as string | null }),
        };
        return { body: await withClass(call, await quotas.update(call.caller, projectOf(call), change)) };
      },
    },
    {
      method: 'DELETE',
      path: '/quotas/:project',
      summary: 'Back to the defaults, and out of any quota class',
      policy: 'quota:delete',
      status: 200,
      async handle(call) {
        await quotas.reset(call.caller, projectOf(call));
        return { body: null };
      },
    },
    {
      method: 'GET',
      path: '/quota_classes/:name',
      summary: 'Limits of a quota class',
      policy: 'quota_class:get',
      status: 200,
      handle: async (call) => ({ body: await quotas.getClass(call.caller, classOf(call)) }),
    },
    {
      method: 'PUT',
      path: '/quota_classes/:name',
      summary: 'Set limits of a quota class; `default` counts for every project',
      policy: 'quota_class:update',
      merged: limits,
      status: 200,
      handle: async (call) => ({
        body: await quotas.updateClass(call.caller, classOf(call), toLimits(call.input)),
      }),
    },
  ];
}

function projectOf({ path: { project = '' } }: Call): string {
  return named('project', project);
}

function toLimits(input: Input): Partial<Quota> {
  return Object.fromEntries(Object.entries(input).map(([name, value]) => [name, Number(value)]));
}

function classOf({ path: { name = '' } }: Call): string {
  return named('quota class', name);
}

/** As long as it is where it is stored and asked for by others. Throws `invalid-value`. */
function named(what: string, name: string): string {
  if (name.length <= 255 && !name.includes('\0')) return name;
  throw new Failure('invalid-value', `${what}: a name has at most 255 characters, none of them null`);
}
