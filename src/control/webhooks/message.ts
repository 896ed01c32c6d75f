/** What a hook is told: the next event that concerns it, a gap in the log, or a test; and how that is put on the wire. */
import { type ContainerEvent, eventJson, gapOf } from '../../model/container-event.ts';
import type { Webhook } from '../../model/webhook.ts';
import { eventBounds, eventsIn } from '../../store/container/events.ts';
import type { DbOrTrx } from '../../store/database.ts';
import type { Letter } from './sender.ts';
import { signatureOf } from './signature.ts';

export interface Message {
  /** Receivers tell by it what they have had already. */
  readonly id: string;
  readonly type: string;
  readonly body: string;
  /** Where the cursor is when it was taken. */
  readonly cursor: number;
  readonly eventId: number | null;
}

/** Undefined = nothing waits. */
export async function nextMessage(
  db: DbOrTrx,
  { types, allProjects, projectId, delivery: { cursor } }: Webhook,
): Promise<Message | undefined> {
  const { oldest } = await eventBounds(db);
  if (cursor < oldest - 1) return gapMessage(cursor, oldest);
  const range = { after: cursor, projectId: allProjects ? null : projectId, types, limit: 1 };
  const [event] = await eventsIn(db, range);
  return event && eventMessage(event);
}

function eventMessage(event: ContainerEvent): Message {
  return {
    id: String(event.id),
    type: `container.${event.type}`,
    body: eventJson(event),
    cursor: event.id,
    eventId: event.id,
  };
}

function gapMessage(after: number, oldest: number): Message {
  const { id, json } = gapOf(after, oldest);
  return { id, type: 'gap', body: json, cursor: oldest - 1, eventId: null };
}

export function testMessage({ uuid, projectId }: Webhook, at: Date): Message {
  const id = `test-${crypto.randomUUID()}`;
  const told = { id, type: 'webhook.test', at: at.toISOString(), webhook: { uuid, project_id: projectId } };
  return { id, type: told.type, body: JSON.stringify(told), cursor: 0, eventId: null };
}

export function letterOf(
  { uuid, url }: Webhook,
  { id, type, body }: Message,
  signing: { readonly secret: string; readonly at: Date },
): Letter {
  return {
    url,
    body,
    headers: {
      'content-type': 'application/json',
      'user-agent': 'Berth-Webhooks',
      'berth-webhook-id': uuid,
      'berth-event-id': id,
      'berth-event-type': type,
      'berth-signature': signatureOf(body, signing),
    },
  };
}
