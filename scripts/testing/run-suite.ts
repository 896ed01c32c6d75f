/** Runs one suite and tells how it went. Failures are printed as they come, successes only counted. */
import { spawnSync } from 'node:child_process';
import { relative } from 'node:path';
import { run } from 'node:test';
import type { Job } from './suites.ts';

export interface Result {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** No suite of ours takes nearly as long; a hanging test must not hang the run. */
const suiteTimeoutMs = 900_000;

export async function runJob(job: Job, root: string): Promise<Result> {
  const { run: how } = job.suite;
  if (job.missing.length > 0) {
    console.log(`${job.suite.name}: skipped, needs ${job.missing.join(' and ')}`);
    return { passed: 0, failed: 0, skipped: 1 };
  }
  if ('command' in how) return runCommand(how.command, root);
  return await runFiles(job.files, how.atOnce, root);
}

function runCommand(command: readonly string[], root: string): Result {
  const [file = '', ...args] = command;
  const { status } = spawnSync(file, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
  return { passed: status === 0 ? 1 : 0, failed: status === 0 ? 0 : 1, skipped: 0 };
}

async function runFiles(files: readonly string[], atOnce: number, root: string): Promise<Result> {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  const crashed = new Set<string>();
  const stderr = new Map<string, string>();
  const events = run({ files: [...files], concurrency: atOnce, timeout: suiteTimeoutMs, cwd: root });
  for await (const event of events) {
    if (event.type === 'test:stderr') {
      stderr.set(event.data.file, (stderr.get(event.data.file) ?? '') + event.data.message);
    } else if (event.type === 'test:fail' && event.data.todo === undefined) {
      if (causeOf(event.data.details.error) === undefined) continue;
      counts.failed += 1;
      printFailure(event.data, root);
      // A file that fails as a whole has crashed: the reason is in what it printed.
      if (files.includes(event.data.name)) crashed.add(event.data.name);
    } else if (event.type === 'test:pass' && event.data.details.type !== 'suite') {
      if (event.data.skip === undefined) counts.passed += 1;
      else {
        counts.skipped += 1;
        console.log(`  skipped: ${event.data.name}${reason(event.data.skip)}`);
      }
    }
  }
  for (const file of crashed) {
    console.log(`  ${file} said:`);
    console.log(indent(stderr.get(file) ?? ''));
  }
  return counts;
}

function printFailure(
  failure: { name: string; file?: string; line?: number; details: { error: Error } },
  root: string,
): void {
  const where = failure.file ? ` (${relative(root, failure.file)}:${failure.line ?? 1})` : '';
  const cause = causeOf(failure.details.error);
  const text = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
  console.log(`  ✖ ${failure.name}${where}`);
  console.log(indent(text));
}

function indent(text: string): string {
  return text.trimEnd().replaceAll(/^/gm, '      ');
}

/** What went wrong; undefined for a parent that failed only because a child did, which is counted already. */
function causeOf(error: Error & { failureType?: string }): unknown {
  return error.failureType === 'subtestsFailed' ? undefined : (error.cause ?? error);
}

function reason(skip: string | boolean): string {
  return typeof skip === 'string' && skip !== '' ? `: ${skip}` : '';
}
