/** Wakes agents over the bus. A wake to a host that is not connected vanishes: the agent looks at everything when it starts. */
import type { Bus } from '../bus/bus.ts';
import { wake } from '../wire/agent.ts';
import type { Waker } from './waker.ts';

export class BusWaker implements Waker {
  readonly #bus: Bus;

  constructor(bus: Bus) {
    this.#bus = bus;
  }

  wake(
    host: string,
    what: { readonly containers?: readonly string[]; readonly networks?: readonly string[] },
  ): void {
    this.#bus.notify({ kind: 'agent', host }, wake, {
      containers: [...(what.containers ?? [])],
      networks: [...(what.networks ?? [])],
    });
  }
}
