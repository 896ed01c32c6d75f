/** The test suites: what each runs, and what it needs to be able to. The order is that of a run: quick ones first. */
import { globSync } from 'node:fs';
import { type Capability, missingCapabilities } from './capabilities.ts';

export interface Suite {
  readonly name: string;
  readonly needs: readonly Capability[];
  /** Files of node:test, or a command whose exit code is the result. */
  readonly run: { readonly files: string; readonly atOnce: number } | { readonly command: readonly string[] };
}

export const suites: readonly Suite[] = [
  { name: 'types', needs: [], run: { command: ['node_modules/.bin/tsc', '--noEmit'] } },
  { name: 'lint', needs: [], run: { command: ['node_modules/.bin/biome', 'check', '.'] } },
  { name: 'architecture', needs: [], run: { files: 'test/*.test.ts', atOnce: 1 } },
  {
    name: 'unit',
    needs: [],
    run: { files: '{src,scripts,test/bench,test/helpers}/**/*.test.ts', atOnce: 2 },
  },
  { name: 'kernel', needs: ['root'], run: { files: 'test/kernel/**/*.test.ts', atOnce: 2 } },
  { name: 'engine', needs: ['root', 'engine'], run: { files: 'test/engine/**/*.test.ts', atOnce: 2 } },
  {
    name: 'clients',
    needs: ['root', 'engine', 'openstack clients'],
    run: { files: 'test/clients/**/*.test.ts', atOnce: 1 },
  },
  {
    name: 'real-neutron',
    needs: ['root', 'engine', 'real neutron'],
    run: { files: 'test/real-neutron/**/*.test.ts', atOnce: 1 },
  },
];

export interface Job {
  readonly suite: Suite;
  /** Empty for a command. */
  readonly files: readonly string[];
  readonly missing: readonly string[];
}

/** The command line asks for something that is not there. */
export class UsageError extends Error {}

/**
 * What the words on the command line ask for: suites by name; any other word is a part of a file's path. Throws
 * a UsageError when a word is neither.
 */
export function chooseJobs(words: readonly string[], root: string): Job[] {
  const named = words.filter((word) => suites.some(({ name }) => name === word));
  const parts = words.filter((word) => !named.includes(word));
  const jobs = suites
    .filter(({ name, run }) =>
      named.length > 0 ? named.includes(name) : parts.length === 0 || 'files' in run,
    )
    .map((suite) => ({
      suite,
      files: filesOf(suite, parts, root),
      missing: missingCapabilities(suite.needs),
    }))
    .filter(({ suite, files }) => 'command' in suite.run || files.length > 0);
  for (const part of parts) {
    if (!jobs.some(({ files }) => files.some((file) => file.includes(part)))) {
      const names = suites.map(({ name }) => name).join(', ');
      throw new UsageError(`no test file has "${part}" in its path, and it is not a suite (${names})`);
    }
  }
  return jobs;
}

function filesOf({ run }: Suite, parts: readonly string[], root: string): string[] {
  if (!('files' in run)) return [];
  const files = globSync(run.files, { cwd: root }).sort();
  return parts.length === 0 ? files : files.filter((file) => parts.some((part) => file.includes(part)));
}
