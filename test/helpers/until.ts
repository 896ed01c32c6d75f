/**
 * Waits for a condition: asks until the answer is neither undefined nor false, and gives the answer. An error counts as
 * "not yet"; the last one is shown when the patience ends. The deadline only bounds a failing test.
 */
export async function until<T>(
  what: string,
  ask: () => Promise<T | undefined | false>,
  options: { readonly patienceMs?: number; readonly everyMs?: number } = {},
): Promise<T> {
  const end = Date.now() + (options.patienceMs ?? 60_000);
  let last: unknown;
  for (;;) {
    try {
      const answer = await ask();
      if (answer !== undefined && answer !== false) return answer;
      last = undefined;
    } catch (error) {
      last = error;
    }
    if (Date.now() > end) throw new Error(`gave up waiting until ${what}`, { cause: last });
    await new Promise((resolve) => setTimeout(resolve, options.everyMs ?? 50));
  }
}
