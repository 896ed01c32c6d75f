/** What becomes of a hook by an attempt: pure. */
import type { Webhook } from '../../model/webhook.ts';
import type { Outcome } from './sender.ts';

const firstPauseMs = 2_000;
const longestPauseMs = 900_000;
/** It says that there never will be anything again. */
const gone = 410;

export interface Attempt {
  readonly at: Date;
  /** Where the cursor is when it was taken. */
  readonly cursor: number;
  /** The event's; null = of none. */
  readonly eventId: number | null;
  readonly outcome: Outcome;
  /** From 0 to 1: spreads hooks that failed together. */
  readonly jitter: number;
  /** A hook that has failed for this long is disabled. */
  readonly disableAfterSeconds: number;
}

export function afterAttempt(webhook: Webhook, attempt: Attempt): Webhook {
  const { at, outcome } = attempt;
  const tried = { lastStatus: outcome.status, lastError: outcome.error, lastAttemptAt: at.toISOString() };
  return outcome.error === null ? taken(webhook, attempt, tried) : failed(webhook, attempt, tried);
}

type Tried = Pick<Webhook['delivery'], 'lastStatus' | 'lastError' | 'lastAttemptAt'>;

function taken(webhook: Webhook, { at, cursor, eventId }: Attempt, tried: Tried): Webhook {
  const delivery = {
    ...webhook.delivery,
    ...tried,
    cursor,
    lastEventId: eventId ?? webhook.delivery.lastEventId,
    deliveredAt: at.toISOString(),
    failures: 0,
    failingSince: null,
    nextAttemptAt: null,
  };
  return { ...webhook, delivery };
}

function failed(webhook: Webhook, attempt: Attempt, tried: Tried): Webhook {
  const { at, jitter, outcome, disableAfterSeconds } = attempt;
  const { failures, failingSince } = webhook.delivery;
  const since = failingSince ?? at.toISOString();
  const pauseMs = Math.min(longestPauseMs, firstPauseMs * 2 ** Math.min(failures, 30)) * (0.5 + jitter / 2);
  const isOver = outcome.status === gone || at.getTime() - Date.parse(since) >= disableAfterSeconds * 1000;
  return {
    ...webhook,
    enabled: !isOver,
    disabledReason: isOver ? `Nothing was delivered since ${since}: ${outcome.error}` : null,
    delivery: {
      ...webhook.delivery,
      ...tried,
      failures: failures + 1,
      failingSince: since,
      nextAttemptAt: isOver ? null : new Date(at.getTime() + pauseMs).toISOString(),
    },
  };
}
