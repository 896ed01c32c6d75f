/**
 * The Engine's events, without end: when the Engine goes away the stream ends silently, so it is opened again until
 * it answers, asking for what happened since the last event seen. A new dockerd remembers nothing of the old one,
 * therefore `connected` means: look at everything.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { isFailure } from '../model/failure.ts';
import type { EngineSignal, LabelFilter } from './engine.ts';
import { jsonLines } from './json-lines.ts';
import type { EngineSocket } from './socket.ts';

const firstRetryMs = 100;
const longestRetryMs = 2_000;

interface EventAnswer {
  readonly Type?: string;
  readonly Action?: string;
  readonly Actor?: { readonly ID?: string; readonly Attributes?: Readonly<Record<string, string>> };
  readonly timeNano?: number;
}

export function toSignal(answer: EventAnswer): EngineSignal | undefined {
  if (answer.Type !== 'container' || !answer.Actor?.ID) return undefined;
  return {
    kind: 'container',
    id: answer.Actor.ID,
    action: answer.Action ?? '',
    // The Engine mixes the container's labels with the event's own attributes; ours cannot collide with those.
    labels: answer.Actor.Attributes ?? {},
    at: (answer.timeNano ?? 0) / 1e6,
  };
}

export async function* watchEngine(
  socket: EngineSocket,
  { label, signal }: { readonly label?: LabelFilter; readonly signal: AbortSignal },
): AsyncGenerator<EngineSignal> {
  let lastAt: number | undefined;
  let retryMs = firstRetryMs;
  while (!signal.aborted) {
    let reason = 'the event stream ended';
    try {
      const filters = { type: ['container'], ...(label === undefined ? {} : { label: [label] }) };
      const since = lastAt === undefined ? {} : { since: (lastAt / 1000).toFixed(3) };
      const query = { filters: JSON.stringify(filters), ...since };
      const stream = await socket.stream('watch events', { method: 'GET', path: ['events'], query, signal });
      const stop = () => stream.destroy();
      signal.addEventListener('abort', stop);
      try {
        retryMs = firstRetryMs;
        yield { kind: 'connected' };
        for await (const line of jsonLines(stream)) {
          const event = toSignal(line);
          if (event?.kind !== 'container') continue;
          lastAt = event.at;
          yield event;
        }
      } finally {
        signal.removeEventListener('abort', stop);
        stream.destroy();
      }
    } catch (error) {
      reason = isFailure(error) ? error.message : String(error);
    }
    if (signal.aborted) return;
    yield { kind: 'lost', reason };
    await delay(retryMs, undefined, { signal }).catch(() => undefined);
    retryMs = Math.min(retryMs * 2, longestRetryMs);
  }
}
