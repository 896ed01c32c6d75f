/** Webhooks: where a project wants to be told of changes of its containers. */
import type { ContainerEventType } from './container-event.ts';
import type { Uuid } from './ids.ts';

export interface Webhook {
  /** Order of creation. */
  readonly id: number;
  readonly uuid: Uuid;
  readonly name: string | null;
  readonly url: string;
  readonly types: readonly ContainerEventType[];
  /** Told of everybody's containers; an administrator's. */
  readonly allProjects: boolean;
  /** Sealed: only a delivery opens it. */
  readonly sealedSecret: string;
  readonly enabled: boolean;
  /** Why Berth disabled it; null = it did not. */
  readonly disabledReason: string | null;
  readonly projectId: string;
  readonly userId: string;
  readonly createdAt: string;
  readonly updatedAt: string | null;
  /** Grows with every change by its owner: an attempt begun before a change tells nothing about the hook after it. */
  readonly revision: number;
  readonly delivery: WebhookDelivery;
}

export interface WebhookDelivery {
  /** Events up to this one are delivered or none of its business. */
  readonly cursor: number;
  /** The last event that was delivered. */
  readonly lastEventId: number | null;
  /** HTTP status of the last attempt; null = there was no answer. */
  readonly lastStatus: number | null;
  /** For its owner, of the last attempt; null = it was taken. */
  readonly lastError: string | null;
  readonly lastAttemptAt: string | null;
  readonly deliveredAt: string | null;
  /** In a row. */
  readonly failures: number;
  readonly failingSince: string | null;
  readonly nextAttemptAt: string | null;
}
