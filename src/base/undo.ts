/**
 * The one way to roll back a multi-step change, and the one way to tear things down completely.
 *
 * Register an undo *before* the step that it undoes: a create can succeed while its reply is lost. Undo steps
 * must therefore accept that there is nothing to undo. The error that started the roll-back is the one thrown;
 * failures of undo steps are logged with the step's name.
 */
import type { Log } from './log.ts';

export class Undo {
  #steps: { what: string; undo: () => Promise<void> }[] = [];

  add(what: string, undo: () => Promise<void>): void {
    this.#steps.push({ what, undo });
  }

  commit(): void {
    this.#steps = [];
  }

  async unwind(log: Log): Promise<void> {
    for (const { what, undo } of this.#steps.splice(0).reverse()) {
      await undo().catch((error: unknown) => log.warn({ step: what, error }, 'undo failed'));
    }
  }
}

export async function undoable<T>(log: Log, work: (undo: Undo) => Promise<T>): Promise<T> {
  const undo = new Undo();
  try {
    const result = await work(undo);
    undo.commit();
    return result;
  } catch (error) {
    await undo.unwind(log);
    throw error;
  }
}

/**
 * Runs every step in order, whatever fails; afterwards throws one AggregateError that names each failed step.
 */
export async function settleAll(
  what: string,
  steps: readonly (readonly [name: string, run: () => Promise<unknown>])[],
): Promise<void> {
  const errors: Error[] = [];
  for (const [name, run] of steps) {
    try {
      await run();
    } catch (error) {
      errors.push(
        new Error(`${name}: ${error instanceof Error ? error.message : String(error)}`, { cause: error }),
      );
    }
  }
  if (errors.length > 0) {
    throw new AggregateError(errors, `${what}: ${errors.map((error) => error.message).join('; ')}`);
  }
}
