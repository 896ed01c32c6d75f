/** Requests that may be repeated are, a few times, when the service was not reached or told to come back. */
import { setTimeout as sleep } from 'node:timers/promises';
import { isFailure } from '../model/failure.ts';

export interface RetryOptions {
  /** Between the attempts; as many more attempts as there are waits. */
  readonly waitsMs: readonly number[];
  readonly isWorthwhile: (error: unknown) => boolean;
}

export async function retrying<T>(work: () => Promise<T>, options: RetryOptions): Promise<T> {
  for (const waitMs of options.waitsMs) {
    try {
      return await work();
    } catch (error) {
      if (!options.isWorthwhile(error)) throw error;
      await sleep(waitMs);
    }
  }
  return work();
}

/** Not reached, too busy, or behind a gateway that is. */
export function isPassing(error: unknown): boolean {
  if (!isFailure(error)) return false;
  return error.code === 'unavailable' || error.code === 'timeout' || error.code === 'too-many-requests';
}
