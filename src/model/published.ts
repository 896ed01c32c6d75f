/**
 * How what publishing a container's ports made is known again: by whoever takes it away, the command line or the
 * server when the container goes. What does not carry the mark was somebody's own and stays.
 */

/** Tag of floating IPs and security groups that were made to publish ports. */
export const publishedTag = 'berth-published';

/** The group that opens a container's published ports; its own, so that nothing else is opened. */
export function publishedGroupName(containerUuid: string): string {
  return `published-${containerUuid}`;
}
