/** A change of a container, as those who watch are told of it. */
export const containerEventTypes = ['created', 'changed', 'deleted'] as const;

export interface ContainerEvent {
  /** Grows with every event of any project. */
  readonly id: number;
  readonly projectId: string;
  readonly type: (typeof containerEventTypes)[number];
  /** ISO 8601, UTC. */
  readonly at: string;
  /** The container after the change, without what only administrators see. */
  readonly containerJson: string;
}
