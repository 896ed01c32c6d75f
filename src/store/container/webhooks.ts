/** Queries on webhooks, for their owners. What waits for them is ./webhook-queue.ts. */
import type { Selectable } from 'kysely';
import type { Webhook, WebhookDelivery } from '../../model/webhook.ts';
import type { DbOrTrx, Trx } from '../database.ts';
import type { WebhooksTable } from './tables.ts';

function toWebhook(row: Selectable<WebhooksTable>): Webhook {
  return {
    id: row.id,
    uuid: row.uuid,
    name: row.name,
    url: row.url,
    types: JSON.parse(row.types) as Webhook['types'],
    allProjects: row.all_projects === 1,
    sealedSecret: row.secret,
    enabled: row.enabled === 1,
    disabledReason: row.disabled_reason,
    projectId: row.project_id,
    userId: row.user_id,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    revision: row.revision,
    delivery: {
      cursor: row.cursor,
      lastEventId: row.last_event_id,
      lastStatus: row.last_status,
      lastError: row.last_error,
      lastAttemptAt: row.last_attempt_at,
      deliveredAt: row.delivered_at,
      failures: row.failures,
      failingSince: row.failing_since,
      nextAttemptAt: row.next_attempt_at,
    },
  };
}

function toRow(webhook: Omit<Webhook, 'id'>): Omit<Selectable<WebhooksTable>, 'id'> {
  return {
    uuid: webhook.uuid,
    name: webhook.name,
    url: webhook.url,
    types: JSON.stringify(webhook.types),
    all_projects: Number(webhook.allProjects),
    secret: webhook.sealedSecret,
    enabled: Number(webhook.enabled),
    disabled_reason: webhook.disabledReason,
    project_id: webhook.projectId,
    user_id: webhook.userId,
    created_at: webhook.createdAt,
    updated_at: webhook.updatedAt,
    revision: webhook.revision,
    ...deliveryColumns(webhook.delivery),
  };
}

function deliveryColumns(delivery: WebhookDelivery) {
  return {
    cursor: delivery.cursor,
    last_event_id: delivery.lastEventId,
    last_status: delivery.lastStatus,
    last_error: delivery.lastError,
    last_attempt_at: delivery.lastAttemptAt,
    delivered_at: delivery.deliveredAt,
    failures: delivery.failures,
    failing_since: delivery.failingSince,
    next_attempt_at: delivery.nextAttemptAt,
  };
}

export async function insertWebhook(trx: Trx, webhook: Omit<Webhook, 'id'>): Promise<void> {
  await trx.insertInto('webhooks').values(toRow(webhook)).execute();
}

/** All of it but its id; inside the transaction that read it. */
export async function replaceWebhook(trx: Trx, webhook: Webhook): Promise<void> {
  await trx.updateTable('webhooks').set(toRow(webhook)).where('uuid', '=', webhook.uuid).execute();
}

/** Null = of all projects. */
export async function listWebhooks(db: DbOrTrx, projectId: string | null): Promise<Webhook[]> {
  let query = db.selectFrom('webhooks').selectAll().orderBy('id');
  if (projectId !== null) query = query.where('project_id', '=', projectId);
  return (await query.execute()).map(toWebhook);
}

export async function findWebhook(db: DbOrTrx, uuid: string): Promise<Webhook | undefined> {
  const row = await db.selectFrom('webhooks').selectAll().where('uuid', '=', uuid).executeTakeFirst();
  return row && toWebhook(row);
}

/**
 * What an attempt has come to. Counts for nothing when the owner has changed the hook meanwhile, and never takes it back.
 */
export async function recordAttempt(
  db: DbOrTrx,
  { uuid, revision, delivery, enabled, disabledReason }: Webhook,
): Promise<void> {
  await db
    .updateTable('webhooks')
    .set({
      ...deliveryColumns(delivery),
      enabled: Number(enabled),
      disabled_reason: disabledReason,
    })
    .where('uuid', '=', uuid)
    .where('revision', '=', revision)
    .where('cursor', '<=', delivery.cursor)
    .execute();
}

export async function deleteWebhook(db: DbOrTrx, uuid: string): Promise<void> {
  await db.deleteFrom('webhooks').where('uuid', '=', uuid).execute();
}

export async function deleteWebhooksOf(trx: Trx, projectId: string): Promise<void> {
  await trx.deleteFrom('webhooks').where('project_id', '=', projectId).execute();
}
