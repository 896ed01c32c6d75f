/** What is left of a container when it is deleted: who it was, whose, and the end of what it wrote. */
import type { Uuid } from './ids.ts';

export interface LogsLeft {
  /** Null = none are kept. */
  readonly bytes: number | null;
  /** For people: why none are kept. */
  readonly reason: string | null;
}

export interface DeletedContainer {
  /** Order of deletion. */
  readonly id: number;
  readonly uuid: Uuid;
  readonly name: string;
  readonly projectId: string;
  readonly userId: string;
  readonly image: string;
  readonly host: string;
  /** ISO 8601, UTC. */
  readonly createdAt: string;
  readonly deletedAt: string;
  /** User and request that asked for it. */
  readonly deletedBy: string;
  readonly requestId: string;
  /** Until when this is remembered. */
  readonly keptUntil: string;
  readonly logs: LogsLeft;
}
