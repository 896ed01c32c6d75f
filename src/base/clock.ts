/** Time as an argument: code that needs the time takes a Clock, tests give it a hand-moved one. */
export interface Clock {
  now(): Date;
}

export const systemClock: Clock = { now: () => new Date() };
