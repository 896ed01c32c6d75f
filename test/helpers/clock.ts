/** A clock that moves only when a test says so. */
import type { Clock } from '../../src/base/clock.ts';

export class HandClock implements Clock {
  #now: Date;

  constructor(start = '2030-01-01T00:00:00.000Z') {
    this.#now = new Date(start);
  }

  now(): Date {
    return new Date(this.#now);
  }

  advance(seconds: number): void {
    this.#now = new Date(this.#now.getTime() + seconds * 1000);
  }
}
