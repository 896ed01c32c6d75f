/** At a start: networks over several hosts cannot be put back before their directory answers, which may come up later. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from '../../base/log.ts';
import type { PeerDirectory } from './directory.ts';

const patienceMs = 60_000;
const pauseMs = 1_000;

/** Until it answers, or patience or the wish to start ends: the other networks of the host need no directory. */
export async function awaitDirectory(
  directory: Pick<PeerDirectory, 'list'>,
  log: Log,
  signal: AbortSignal,
): Promise<void> {
  const end = Date.now() + patienceMs;
  for (let tries = 1; !signal.aborted; tries += 1) {
    try {
      await directory.list();
      return;
    } catch (error) {
      const reason = (error as Error).message;
      if (Date.now() > end) {
        log.error({ reason }, 'overlay networks are out of order until the next start: no peer directory');
        return;
      }
      if (tries === 1) log.warn({ reason }, 'the start waits for the peer directory');
      await delay(pauseMs, undefined, { signal }).catch(() => undefined);
    }
  }
}
