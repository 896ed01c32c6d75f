/** What a hook is told: the next event that concerns it, a gap in the log, or a test; and how that is put on the wire. */
import { type ContainerEvent, eventJson } from '../../model/container-event.ts';
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

/** Only one field of a container has no bound of its own. */
const longestReason = 4096;

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
    body: eventJson(bounded(event)),
    cursor: event.id,
    eventId: event.id,
  };
}

function bounded(event: ContainerEvent): ContainerEvent {
  if (event.containerJson.length <= longestReason) return event;
  const container = JSON.parse(event.containerJson) as { status_reason: string | null };
  const reason = container.status_reason?.slice(0, longestReason) ?? null;
  return { ...event, containerJson: JSON.stringify({ ...container, status_reason: reason }) };
}

function gapMessage(after: number, oldest: number): Message {
  const id = `gap-${after}-${oldest}`;
  const body = JSON.stringify({ id, type: 'gap', after, oldest });
  return { id, type: 'gap', body, cursor: oldest - 1, eventId: null };
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
