/** The human text of a container's status: `Up 5 mins`, `Exited(0) 8 mins ago `, `Created` … */
import type { Container } from '../../model/container-record.ts';

const units = [
  ['days', 86_400],
  ['hours', 3_600],
  ['mins', 60],
  ['seconds', 1],
] as const;

export function statusDetail(container: Container, now: number): string | null {
  const { status, startedAt, finishedAt, exitCode, statusReason } = container;
  switch (status) {
    case 'Created':
    case 'Restarting':
    case 'Dead':
      return status;
    case 'Running':
      return startedAt && `Up ${elapsed(startedAt, now)}`;
    case 'Paused':
      return startedAt && `Up ${elapsed(startedAt, now)} (paused)`;
    case 'Stopped':
      // The trailing space is Zun's.
      return (
        finishedAt &&
        `Exited(${exitCode ?? 0}) ${elapsed(finishedAt, now)} ago ${statusReason ? '(error)' : ''}`
      );
    default:
      return null;
  }
}

function elapsed(since: string, now: number): string {
  const seconds = Math.max(0, Math.floor((now - Date.parse(since)) / 1000));
  const [unit, size] = units.find(([, length]) => seconds >= length) ?? units[3];
  return `${Math.floor(seconds / size)} ${unit}`;
}
