/** A change of a container, as those who watch are told of it. */
export const containerEventTypes = ['created', 'changed', 'deleted'] as const;
export type ContainerEventType = (typeof containerEventTypes)[number];

export interface ContainerEvent {
  /** Grows with every event of any project. */
  readonly id: number;
  readonly projectId: string;
  readonly containerUuid: string;
  readonly type: ContainerEventType;
  /** ISO 8601, UTC. */
  readonly at: string;
  /** The container after the change, without what only administrators see. */
  readonly containerJson: string;
}

/** What everybody who is told gets, whichever way. */
export function eventJson({ id, type, at, containerJson }: ContainerEvent): string {
  return `{"id":${id},"type":"container.${type}","at":"${at}","container":${containerJson}}`;
}
