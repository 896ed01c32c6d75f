/**
 * `npm test`: the suites one after the other, a line per suite, what was left on the machine, and one plain line of
 * counts at the end. Exit 0 only if nothing failed. With CI=true a skipped test is a failure: there is nothing that the
 * machine of a CI may lack.
 */
import { resolve } from 'node:path';
import { findLeftovers, takeInventory } from './leftovers.ts';
import { type Result, runJob } from './run-suite.ts';
import { chooseJobs, UsageError } from './suites.ts';

const root = resolve(import.meta.dirname, '../..');

async function main(words: readonly string[]): Promise<number> {
  const jobs = chooseJobs(words, root);
  const before = takeInventory();
  const total = { passed: 0, failed: 0, skipped: 0 };
  for (const job of jobs) {
    const began = performance.now();
    const result = await runJob(job, root);
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    console.log(`${job.suite.name}: ${describe(result)} (${seconds} s)`);
    for (const key of ['passed', 'failed', 'skipped'] as const) total[key] += result[key];
  }
  const left = findLeftovers(before, takeInventory());
  for (const what of left) console.log(`left behind: ${what}`);
  total.failed += left.length;
  console.log(describe(total));
  const mustBeComplete = process.env.CI === 'true';
  return total.failed > 0 || (mustBeComplete && total.skipped > 0) ? 1 : 0;
}

function describe({ passed, failed, skipped }: Result): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(`npm test: ${error.message}`);
  process.exitCode = 64;
}
