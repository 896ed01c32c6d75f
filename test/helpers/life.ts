/**
 * A life that can end between any two steps, as by a kill: what was done stays done, nothing is ever done again.
 *
 * Steps are what lasts or leaves the process: commits, single statements that write, calls of the network service. After
 * the death every step fails, so whatever the dead still try has no effect.
 */
import type { Waker } from '../../src/control/waker.ts';
import { Failure } from '../../src/model/failure.ts';
import type { Db } from '../../src/store/database.ts';

export class Life {
  readonly died = Promise.withResolvers<'died'>();
  #steps = 0;
  #lastStep = Number.POSITIVE_INFINITY;
  #isOver = false;

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Counted from now on, from 1. */
  endAfter(step: number): void {
    this.#lastStep = this.#steps + step;
  }

  assertAlive(): void {
    if (this.#isOver) throw new Failure('unavailable', 'the process is dead');
  }

  /** Throws when the step was the last one, or somebody else's was meanwhile. */
  passed(): void {
    this.assertAlive();
    this.#steps += 1;
    if (this.#steps < this.#lastStep) return;
    this.#isOver = true;
    this.died.resolve('died');
    this.assertAlive();
  }

  async step<T>(effect: () => Promise<T>): Promise<T> {
    this.assertAlive();
    const result = await effect();
    this.passed();
    return result;
  }

  /** A transaction is one step; inside of it there is nothing that could stay half done. */
  database(db: Db): Db {
    const plugin: Parameters<Db['withPlugin']>[0] = {
      transformQuery: ({ node }) => {
        this.assertAlive();
        return node;
      },
      transformResult: async ({ result }) => {
        if (result.numAffectedRows !== undefined) this.passed();
        return result;
      },
    };
    const single = db.withPlugin(plugin);
    return new Proxy(single, {
      get: (_target, name) => {
        if (name === 'transaction') {
          return () => ({
            execute: <T>(work: Parameters<ReturnType<Db['transaction']>['execute']>[0]) =>
              this.step(() => db.transaction().execute(work) as Promise<T>),
          });
        }
        const value = Reflect.get(single, name, single) as unknown;
        return typeof value === 'function' ? value.bind(single) : value;
      },
    });
  }

  /** Every call is a step. */
  service<T extends object>(service: T): T {
    return new Proxy(service, {
      get: (target, name) => {
        const value = Reflect.get(target, name, target) as unknown;
        if (typeof value !== 'function') return value;
        return (...args: unknown[]) => this.step(async () => value.apply(target, args));
      },
    });
  }

  waker(waker: Waker): Waker {
    return {
      wake: (...what) => {
        if (!this.#isOver) waker.wake(...what);
      },
    };
  }
}
