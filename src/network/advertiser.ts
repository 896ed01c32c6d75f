/**
 * Repeats router advertisements after a port was plugged.
 *
 * Who comes up asks for routers; nobody listens here, and nobody tells when a container's end of a port is up at
 * last. So for half a minute advertisements are repeated, ever more slowly; after that those of the regular
 * full look are enough. One series per network, begun anew by each plug; its timers keep no process running.
 */
import type { Log } from '../base/log.ts';

const delaysMs = [250, 500, 1000, 2000, 4000, 8000, 16_000] as const;

export class Advertiser {
  readonly #send: (networkId: string) => Promise<void>;
  readonly #log: Log;
  readonly #timers = new Map<string, NodeJS.Timeout>();

  constructor(send: (networkId: string) => Promise<void>, log: Log) {
    this.#send = send;
    this.#log = log;
  }

  welcome(networkId: string): void {
    this.stop(networkId);
    this.#schedule(networkId, 0);
  }

  stop(networkId: string): void {
    clearTimeout(this.#timers.get(networkId));
    this.#timers.delete(networkId);
  }

  #schedule(networkId: string, at: number): void {
    const delay = delaysMs[at];
    if (delay === undefined) {
      this.#timers.delete(networkId);
      return;
    }
    const timer = setTimeout(() => {
      this.#schedule(networkId, at + 1);
      this.#send(networkId).catch((error: unknown) =>
        this.#log.debug({ network: networkId, error }, 'a router advertisement was not sent'),
      );
    }, delay);
    timer.unref();
    this.#timers.set(networkId, timer);
  }
}
