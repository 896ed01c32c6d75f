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

/** Of a container that is told of: the only field without a bound of its own. */
const longestReason = 4096;

/** What everybody who is told gets, whichever way. */
export function eventJson({ id, type, at, containerJson }: ContainerEvent): string {
  return `{"id":${id},"type":"container.${type}","at":"${at}","container":${bounded(containerJson)}}`;
}

/** What whoever comes too late is told instead of the events that are no longer there. */
export function gapOf(after: number, oldest: number): { readonly id: string; readonly json: string } {
  const id = `gap-${after}-${oldest}`;
  return { id, json: JSON.stringify({ id, type: 'gap', after, oldest }) };
}

function bounded(containerJson: string): string {
  if (containerJson.length <= longestReason) return containerJson;
  const container = JSON.parse(containerJson) as { readonly status_reason: string | null };
  const reason = container.status_reason?.slice(0, longestReason) ?? null;
  return JSON.stringify({ ...container, status_reason: reason });
}
