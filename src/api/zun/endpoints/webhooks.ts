/** /webhooks: where a project is told of changes of its containers (not in Zun). The secret is shown once, when Berth has made it. */
import type { ContainerControl } from '../../../control/container/control.ts';
import type { NewWebhook, Told, WebhookFields } from '../../../control/webhooks/webhooks.ts';
import type { ContainerEventType } from '../../../model/container-event.ts';
import { Failure } from '../../../model/failure.ts';
import type { Webhook } from '../../../model/webhook.ts';
import { linksOf } from '../container-view.ts';
import type { Call, Endpoint, Fields, Input } from '../endpoint.ts';
import { ownMinor } from '../microversion.ts';
import { pageOf } from '../page-in-memory.ts';
import { pagingParameters } from '../paging.ts';
import * as v from '../vocabulary.ts';

const filters = ['name', 'url', 'project_id'] as const;
const sortKeys = ['id', 'uuid', 'created_at', 'updated_at', 'user_id', ...filters];
const mask = '***';

const changeable: Fields = {
  name: { schema: v.nameOrNull },
  events: { schema: v.webhookEvents },
  secret: { schema: v.webhookSecret },
  enabled: { schema: v.flag },
  after: { schema: v.webhookAfter },
};

export function webhookEndpoints({ webhooks, config }: ContainerControl): Endpoint[] {
  const { maxListLimit: maxLimit } = config.containers;
  return [
    {
      method: 'GET',
      path: '/webhooks',
      summary: 'List webhooks, and how their deliveries go (not in Zun)',
      policy: 'webhook:get_all',
      checksPolicyItself: true,
      since: ownMinor,
      parameters: [...pagingParameters, 'all_projects', ...filters],
      status: 200,
      async handle(call) {
        const allProjects = v.parseWideBoolean('all_projects', call.query.all_projects);
        const all = (await webhooks.list(call.caller, allProjects)).map((each) => ({
          id: each.id,
          ...toView(each),
        }));
        const matching = all.filter((row) =>
          filters.every((name) => call.query[name] === undefined || row[name] === call.query[name]),
        );
        const unknownMarker = (marker: string) =>
          new Failure('webhook-not-found', `Webhook ${marker} could not be found.`);
        const kind = { collection: 'webhooks', defaultSortKey: 'id', sortKeys, maxLimit, unknownMarker };
        const { items, next } = pageOf(matching, call, kind);
        return { body: { webhooks: items.map(({ id, ...view }) => view), next } };
      },
    },
    {
      method: 'POST',
      path: '/webhooks',
      summary:
        'Be told of changes of containers by HTTP; a secret that is not given is made, and shown in this answer only',
      policy: 'webhook:create',
      checksPolicyItself: true,
      since: ownMinor,
      needsJson: true,
      body: {
        url: { schema: v.webhookUrl, required: true },
        ...changeable,
        all_projects: { schema: v.flag },
      },
      status: 201,
      async handle(call) {
        const { url, all_projects: allProjects } = call.body as { url: string; all_projects?: boolean };
        const asked: NewWebhook = { ...fieldsOf(call.body), url, ...(allProjects ? { allProjects } : {}) };
        const told = await webhooks.create(call.caller, asked);
        return {
          location: `${call.baseUrl}/v1/webhooks/${told.webhook.uuid}`,
          body: toldView(told, call),
        };
      },
    },
    {
      method: 'GET',
      path: '/webhooks/:ident',
      summary: 'Show a webhook, and how its deliveries go',
      policy: 'webhook:get_one',
      checksPolicyItself: true,
      since: ownMinor,
      status: 200,
      handle: async (call) => ({
        body: toldView({ webhook: await webhooks.get(call.caller, identOf(call)) }, call),
      }),
    },
    {
      method: 'PATCH',
      path: '/webhooks/:ident',
      summary:
        'Change a webhook, and try it again at once; `secret` null makes a new one, `after` goes back to an event',
      policy: 'webhook:update',
      checksPolicyItself: true,
      since: ownMinor,
      needsJson: true,
      body: { url: { schema: v.webhookUrl }, ...changeable },
      status: 200,
      async handle(call) {
        return {
          body: toldView(await webhooks.update(call.caller, identOf(call), fieldsOf(call.body)), call),
        };
      },
    },
    {
      method: 'DELETE',
      path: '/webhooks/:ident',
      summary: 'Be told no longer',
      policy: 'webhook:delete',
      checksPolicyItself: true,
      since: ownMinor,
      status: 204,
      async handle(call) {
        await webhooks.remove(call.caller, identOf(call));
        return {};
      },
    },
    {
      method: 'POST',
      path: '/webhooks/:ident/test',
      summary: 'Send a `webhook.test` now; `reason` says what failed',
      policy: 'webhook:test',
      checksPolicyItself: true,
      since: ownMinor,
      status: 200,
      async handle(call) {
        const { status, error } = await webhooks.test(call.caller, identOf(call));
        return { body: { works: error === null, status, reason: error } };
      },
    },
  ];
}

function identOf({ path }: Call): string {
  return path.ident ?? '';
}

function fieldsOf({ events, all_projects, ...rest }: Input): WebhookFields {
  const types = (events as string[] | undefined)?.map((name) => name.replace('container.', ''));
  return {
    ...rest,
    ...(types ? { types: [...new Set(types)] as ContainerEventType[] } : {}),
  } as WebhookFields;
}

function toView({ delivery, ...webhook }: Webhook) {
  return {
    uuid: webhook.uuid,
    name: webhook.name,
    url: webhook.url,
    events: webhook.types.map((type) => `container.${type}`),
    all_projects: webhook.allProjects,
    secret: mask,
    enabled: webhook.enabled,
    disabled_reason: webhook.disabledReason,
    project_id: webhook.projectId,
    user_id: webhook.userId,
    created_at: webhook.createdAt,
    updated_at: webhook.updatedAt,
    delivery: {
      after: delivery.cursor,
      last_event_id: delivery.lastEventId,
      last_status: delivery.lastStatus,
      last_error: delivery.lastError,
      last_attempt_at: delivery.lastAttemptAt,
      delivered_at: delivery.deliveredAt,
      failures: delivery.failures,
      failing_since: delivery.failingSince,
      next_attempt_at: delivery.nextAttemptAt,
    },
  };
}

function toldView({ webhook, secret = mask }: Told, { baseUrl }: Call) {
  const { uuid, ...rest } = toView(webhook);
  return { uuid, links: linksOf(baseUrl, 'webhooks', uuid), ...rest, secret };
}
