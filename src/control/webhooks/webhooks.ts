/**
 * Use cases of webhooks. The secret is sealed before it is stored; it is told once, when it was made here, and never shown again.
 *
 * A hook of all projects is an administrator's: whoever may not have one (`webhook:all_projects`) does not find it, so that members of the
 * administrators' project cannot turn it to themselves.
 */
import type { Clock } from '../../base/clock.ts';
import type { Config } from '../../base/config-schema.ts';
import type { Caller } from '../../model/caller.ts';
import { type ContainerEventType, containerEventTypes } from '../../model/container-event.ts';
import { Failure } from '../../model/failure.ts';
import { looksLikeUuid, newUuid } from '../../model/ids.ts';
import type { Webhook } from '../../model/webhook.ts';
import { eventBounds } from '../../store/container/events.ts';
import {
  deleteWebhook,
  insertWebhook,
  listWebhooks,
  replaceWebhook,
} from '../../store/container/webhooks.ts';
import type { Db, DbOrTrx } from '../../store/database.ts';
import type { Policy, PolicyRule } from '../policy.ts';
import type { Secrets } from '../secrets.ts';
import { letterOf, testMessage } from './message.ts';
import type { Outcome, Sender } from './sender.ts';
import { newSecret } from './signature.ts';

export interface WebhookFields {
  readonly name?: string | null;
  readonly url?: string;
  readonly types?: readonly ContainerEventType[];
  /** Null = a new one is to be made. */
  readonly secret?: string | null;
  readonly enabled?: boolean;
  /** Told of what comes after this event. */
  readonly after?: number;
}

export type NewWebhook = WebhookFields & { readonly url: string; readonly allProjects?: boolean };

/** `secret` is there once: when it was made here. */
export interface Told {
  readonly webhook: Webhook;
  readonly secret?: string;
}

export interface WebhookContext {
  readonly db: Db;
  readonly policy: Policy;
  readonly secrets: Secrets;
  readonly clock: Clock;
  readonly config: Pick<Config, 'webhooks'>;
  readonly sender: Sender;
}

const fresh = {
  lastEventId: null,
  lastStatus: null,
  lastError: null,
  lastAttemptAt: null,
  deliveredAt: null,
  failures: 0,
  failingSince: null,
  nextAttemptAt: null,
} as const;

/** Of a project, at the same time. */
const parallelTests = 2;

export function webhookUseCases(ctx: WebhookContext) {
  const { db, policy, secrets, clock, sender } = ctx;
  /** By project. */
  const tests = new Map<string, number>();

  async function find(from: DbOrTrx, caller: Caller, ident: string, rule: PolicyRule): Promise<Webhook> {
    const all = await listWebhooks(from, caller.isAdmin ? null : caller.projectId);
    const [webhook, ...more] = all.filter(
      ({ uuid, name, allProjects }) =>
        (looksLikeUuid(ident) ? uuid : name) === ident && maySee(caller, allProjects),
    );
    if (!webhook) throw new Failure('webhook-not-found', `Webhook ${ident} could not be found.`);
    if (more.length > 0)
      throw new Failure(
        'conflict',
        'Multiple webhooks exist with same name. Please use the webhook uuid instead.',
      );
    policy.enforce(caller, rule, webhook);
    return webhook;
  }

  const maySee = (caller: Caller, allProjects: boolean) =>
    !allProjects || policy.allows(caller, 'webhook:all_projects');

  return {
    /** Throws `over-quota` when the project has as many as it may. */
    async create(caller: Caller, fields: NewWebhook): Promise<Told> {
      policy.enforce(caller, 'webhook:create');
      const { name = null, url, types = containerEventTypes, enabled = true, allProjects = false } = fields;
      if (allProjects) policy.enforce(caller, 'webhook:all_projects');
      checkUrl(url, sender);
      const { uuid, secret } = { uuid: newUuid(), secret: fields.secret ?? newSecret() };
      const { projectId, userId } = caller;
      await db.transaction().execute(async (trx) => {
        const there = await listWebhooks(trx, projectId);
        if (there.length >= ctx.config.webhooks.perProject)
          throw new Failure('over-quota', "Quota exceeded for resources: ['webhooks']");
        const cursor = await cursorFor(trx, fields.after);
        await insertWebhook(trx, {
          uuid,
          name,
          url,
          types,
          allProjects,
          sealedSecret: secrets.seal(secret, uuid),
          enabled,
          disabledReason: null,
          projectId,
          userId,
          createdAt: clock.now().toISOString(),
          updatedAt: null,
          revision: 0,
          delivery: { ...fresh, cursor },
        });
      });
      const webhook = await find(db, caller, uuid, 'webhook:create');
      return fields.secret ? { webhook } : { webhook, secret };
    },

    async list(caller: Caller, allProjects: boolean): Promise<Webhook[]> {
      policy.enforce(caller, allProjects ? 'webhook:get_all_all_projects' : 'webhook:get_all');
      const all = await listWebhooks(db, allProjects ? null : caller.projectId);
      return all.filter((webhook) => maySee(caller, webhook.allProjects));
    },

    get: (caller: Caller, ident: string) => find(db, caller, ident, 'webhook:get_one'),

    /** The hook is tried at once, and has all of its time again. */
    async update(caller: Caller, ident: string, fields: WebhookFields): Promise<Told> {
      if (fields.url !== undefined) checkUrl(fields.url, sender);
      const { secret: given, after, ...same } = fields;
      const secret = given === null ? newSecret() : given;
      const changed = await db.transaction().execute(async (trx) => {
        const webhook = await find(trx, caller, ident, 'webhook:update');
        const { delivery, uuid } = webhook;
        const next: Webhook = {
          ...webhook,
          ...same,
          ...(secret === undefined ? {} : { sealedSecret: secrets.seal(secret, uuid) }),
          disabledReason: fields.enabled === undefined ? webhook.disabledReason : null,
          updatedAt: clock.now().toISOString(),
          revision: webhook.revision + 1,
          delivery: {
            // That it has failed counts on until it is taken: else a change would make a place for one that hangs.
            ...delivery,
            failingSince: null,
            nextAttemptAt: null,
            cursor: after === undefined ? delivery.cursor : await cursorFor(trx, after),
          },
        };
        await replaceWebhook(trx, next);
        return next;
      });
      return given === null && secret !== undefined ? { webhook: changed, secret } : { webhook: changed };
    },

    async remove(caller: Caller, ident: string): Promise<void> {
      const { uuid } = await find(db, caller, ident, 'webhook:delete');
      await deleteWebhook(db, uuid);
    },

    /** Sends what is no event, and changes nothing. Throws `too-many-requests` while others of its project are tested. */
    async test(caller: Caller, ident: string): Promise<Outcome> {
      const webhook = await find(db, caller, ident, 'webhook:test');
      const { projectId, sealedSecret, uuid } = webhook;
      const underWay = tests.get(projectId) ?? 0;
      if (underWay >= parallelTests)
        throw new Failure('too-many-requests', 'Other webhooks are being tested. Try again in a moment.');
      const at = clock.now();
      const letter = letterOf(webhook, testMessage(webhook, at), {
        secret: secrets.open(sealedSecret, uuid),
        at,
      });
      const line = sender.open();
      tests.set(projectId, underWay + 1);
      try {
        return await line.send(letter);
      } finally {
        line.close();
        const left = (tests.get(projectId) ?? 1) - 1;
        if (left === 0) tests.delete(projectId);
        else tests.set(projectId, left);
      }
    },
  };
}

/** Throws `invalid-value`. */
function checkUrl(text: string, sender: Sender): void {
  const refuse = (why: string) => new Failure('invalid-value', `url: ${why}`);
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || (url.protocol !== 'http:' && url.protocol !== 'https:'))
    throw refuse(`'${text}' is no URL that starts with http:// or https://`);
  if (url.username !== '' || url.password !== '')
    throw refuse(
      'a user or a password in it would be shown to everybody of the project; check the signature instead',
    );
  if (url.hash !== '') throw refuse('what follows # is never sent');
  const complaint = sender.complaintAbout(url);
  if (complaint) throw refuse(`${complaint}: give a public one, or have its operator allow it`);
}

/** Throws `invalid-value` for an event that has not happened. */
async function cursorFor(db: DbOrTrx, after: number | undefined): Promise<number> {
  const { newest } = await eventBounds(db);
  if (after !== undefined && after > newest)
    throw new Failure('invalid-value', `after: ${after} has not happened: the newest event is ${newest}`);
  return after ?? newest;
}
