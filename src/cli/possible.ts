/** What can be done with a container in its status, by the table that the service goes by. */
import { type ContainerAction, type ContainerStatus, isAllowed } from '../model/container.ts';

/** Commands, in the order in which they are told. */
const commandOf: Partial<Record<ContainerAction, string>> = {
  start: 'start',
  stop: 'stop',
  reboot: 'restart',
  pause: 'pause',
  unpause: 'unpause',
  kill: 'kill',
  execute: 'exec',
  top: 'top',
  stats: 'stats',
  logs: 'logs',
  update: 'update',
};

/** The ways to delete it, the mildest first: only that one is told. */
const deletions = [
  ['delete', 'delete'],
  ['delete_after_stop', 'delete --stop'],
  ['delete_force', 'delete --force'],
] as const satisfies readonly (readonly [ContainerAction, string])[];

/** Without `berth` in front. */
export function commandsIn(status: ContainerStatus): string[] {
  const commands = Object.entries(commandOf) as [ContainerAction, string][];
  const deletion = deletions.find(([action]) => isAllowed(action, status));
  return [
    ...commands.flatMap(([action, command]) => (isAllowed(action, status) ? [command] : [])),
    ...(deletion ? [deletion[1]] : []),
  ];
}
