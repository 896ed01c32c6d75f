/**
 * Slows down guessing: failed log-ins per user and address, and ten times as many per address over all users
 * (which also bounds the memory that invented user names can take).
 *
 * Invariants: an attempt is charged before the password is looked at and given back when it was right, so a burst
 * of parallel guesses gains nothing; attempts of one user from one address take turns, so parallel log-ins with
 * the right password are not mistaken for guessing. Somebody else's failures elsewhere never lock a user out.
 * The counts live in this process.
 */
import { Address6 } from 'ip-address';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { KeyedQueue } from '../../base/keyed-queue.ts';
import { Failure } from '../../model/failure.ts';

const perAddressFactor = 10;

export interface Attempt {
  /** The client's IP address. */
  readonly address: string;
  /** Whose password: a user's or credential's id, or the name that was tried. */
  readonly subject: string;
}

export class Attempts {
  readonly #perSubject: RateLimiterMemory;
  readonly #perAddress: RateLimiterMemory;
  readonly #turns = new KeyedQueue();

  constructor(failuresPerMinute: number) {
    this.#perSubject = new RateLimiterMemory({ points: failuresPerMinute, duration: 60 });
    this.#perAddress = new RateLimiterMemory({ points: failuresPerMinute * perAddressFactor, duration: 60 });
  }

  /** Runs `check` unless too many failed before; throws `too-many-requests` then. */
  try(attempt: Attempt, check: () => Promise<boolean>): Promise<boolean> {
    const source = sourceOf(attempt.address);
    const key = JSON.stringify([source, attempt.subject]);
    return this.#turns.run(key, async () => {
      await charge(this.#perAddress, source);
      await charge(this.#perSubject, key);
      const isRight = await check();
      if (isRight) {
        await this.#perAddress.reward(source);
        await this.#perSubject.delete(key);
      }
      return isRight;
    });
  }
}

async function charge(limiter: RateLimiterMemory, key: string): Promise<void> {
  try {
    await limiter.consume(key);
  } catch (refusal) {
    if (!(refusal instanceof RateLimiterRes)) throw refusal;
    const retryAfterSeconds = Math.max(1, Math.ceil(refusal.msBeforeNext / 1000));
    throw new Failure(
      'too-many-requests',
      `Too many failed attempts to authenticate. Try again in ${retryAfterSeconds} seconds.`,
      { retryAfterSeconds },
    );
  }
}

/** Whoever has one IPv6 address has its whole /64, so that is what counts. */
export function sourceOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  if (mapped?.[1] !== undefined) return mapped[1];
  if (!address.includes(':')) return address;
  return new Address6(address).canonicalForm().split(':').slice(0, 4).join(':');
}
