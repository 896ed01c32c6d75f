/**
 * Delegation to the IPAM plugin that the configuration names: the same environment and configuration, its result taken
 * over. Contract: CNI 1.1.0, section 4.
 */
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import { CniFailure, type CniJson, type CniResult, cniCode } from '../../../wire/cni.ts';
import type { Call, Variables } from './call.ts';

export interface Ipam {
  /** Runs the plugin with the verb (the call's own by default). */
  run(verb?: string): Promise<CniResult>;
}

/** Undefined when the configuration leaves addresses to the network service. */
export function ipamOf(config: CniJson, call: Call, variables: Variables): Ipam | undefined {
  const { type } = (config.ipam ?? {}) as { type?: unknown };
  if (type === undefined) return undefined;
  if (typeof type !== 'string' || type === '' || type.includes('/')) {
    throw new CniFailure(
      cniCode.invalidConfig,
      `ipam.type ${JSON.stringify(type)}: expected the name of a plugin`,
    );
  }
  const file = findPlugin(type, call.path);
  const input = JSON.stringify(config);
  return { run: (verb = call.verb) => execute(file, { ...variables, CNI_COMMAND: verb }, input) };
}

function findPlugin(type: string, path: readonly string[]): string {
  const found = path.map((folder) => join(folder, type)).find(isExecutable);
  if (found !== undefined) return found;
  throw new CniFailure(cniCode.invalidConfig, `failed to find plugin "${type}" in path [${path.join(' ')}]`);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

async function execute(file: string, env: Variables, input: string): Promise<CniResult> {
  // Loaded only by configurations that name such a plugin.
  const { spawn } = await import('node:child_process');
  return new Promise((resolve, reject) => {
    const child = spawn(file, [], {
      env: { ...env } as NodeJS.ProcessEnv,
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk;
    });
    child.once('error', reject);
    // A plugin that does not read its configuration is no reason to fail.
    child.stdin.on('error', () => undefined).end(input);
    child.once('close', (code) => {
      try {
        const answer =
          output.trim() === '' ? {} : (JSON.parse(output) as CniResult & { code?: number; msg?: string });
        if (code === 0) return resolve(answer);
        const { msg = 'it gave no reason' } = answer as { msg?: string };
        reject(
          new CniFailure(
            (answer as { code?: number }).code ?? cniCode.refused,
            `IPAM plugin ${file}: ${msg}`,
          ),
        );
      } catch {
        reject(new CniFailure(cniCode.decodingFailure, `IPAM plugin ${file}: its answer is not JSON`));
      }
    });
  });
}
