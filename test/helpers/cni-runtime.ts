/**
 * A container runtime as far as CNI can see, as the reference library is one: runs the plugins of a list in order, hands
 * each the result of the one before, remembers the last result, and deletes in reverse order.
 */
import { spawn } from 'node:child_process';
import { join, resolve } from 'node:path';

const executable = resolve(import.meta.dirname, '../../bin/berth-cni.ts');

// biome-ignore lint/suspicious/noExplicitAny: results are judged by the tests
export type CniAnswer = any;

export interface CniOutcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CniList {
  readonly cniVersion: string;
  readonly name: string;
  readonly plugins: readonly (Record<string, unknown> & { readonly type: string })[];
}

export interface Sandbox {
  readonly containerId: string;
  readonly netns: string;
  readonly ifname?: string;
  readonly args?: string;
  /** What the runtime supports, by capability. */
  readonly capabilities?: Readonly<Record<string, unknown>>;
}

const pluginFolder = '/usr/lib/cni';

/** Runs a plugin once; ours from its source, or as it is installed in `ourFolder`. */
export function runPlugin(
  type: string,
  variables: Readonly<Record<string, string>>,
  stdin: string,
  ourFolder?: string,
): Promise<CniOutcome> {
  const isOurs = type === 'berth-cni';
  const [file, args] =
    isOurs && ourFolder === undefined
      ? [process.execPath, [executable]]
      : [join((isOurs && ourFolder) || pluginFolder, type), []];
  return new Promise((done, reject) => {
    const child = spawn(file, args, {
      env: { PATH: process.env.PATH ?? '', CNI_PATH: pluginFolder, ...variables },
    });
    const output = { stdout: '', stderr: '' };
    for (const stream of ['stdout', 'stderr'] as const) {
      child[stream].setEncoding('utf8').on('data', (chunk: string) => {
        output[stream] += chunk;
      });
    }
    child.once('error', reject);
    child.once('close', (code) => done({ code: code ?? -1, ...output }));
    child.stdin.on('error', () => undefined).end(stdin);
  });
}

export class CniRuntime {
  readonly #list: CniList;
  readonly #ourFolder: string | undefined;
  readonly #results = new Map<string, CniAnswer>();

  constructor(list: CniList, ourFolder?: string) {
    this.#list = list;
    this.#ourFolder = ourFolder;
  }

  async add(sandbox: Sandbox): Promise<CniAnswer> {
    let result: CniAnswer;
    for (const plugin of this.#list.plugins) result = await this.#run('ADD', plugin, sandbox, result);
    this.#results.set(keyOf(sandbox), result);
    return result;
  }

  async check(sandbox: Sandbox): Promise<void> {
    for (const plugin of this.#list.plugins) {
      await this.#run('CHECK', plugin, sandbox, this.#results.get(keyOf(sandbox)));
    }
  }

  async del(sandbox: Sandbox): Promise<void> {
    for (const plugin of this.#list.plugins.toReversed()) {
      await this.#run('DEL', plugin, sandbox, this.#results.get(keyOf(sandbox)));
    }
    this.#results.delete(keyOf(sandbox));
  }

  async status(): Promise<void> {
    for (const plugin of this.#list.plugins) await this.#run('STATUS', plugin);
  }

  async gc(valid: readonly Sandbox[]): Promise<void> {
    const attachments = valid.map(({ containerId, ifname = 'eth0' }) => ({
      containerID: containerId,
      ifname,
    }));
    for (const plugin of this.#list.plugins) {
      await this.#run('GC', { ...plugin, 'cni.dev/valid-attachments': attachments });
    }
  }

  async #run(
    verb: string,
    plugin: CniList['plugins'][number],
    sandbox?: Sandbox,
    prevResult?: CniAnswer,
  ): Promise<CniAnswer> {
    const { cniVersion, name } = this.#list;
    const declared = (plugin.capabilities ?? {}) as Record<string, boolean>;
    const runtimeConfig = Object.fromEntries(
      Object.entries(sandbox?.capabilities ?? {}).filter(([capability]) => declared[capability]),
    );
    const config = {
      ...plugin,
      cniVersion,
      name,
      ...(prevResult === undefined ? {} : { prevResult }),
      ...(Object.keys(runtimeConfig).length > 0 ? { runtimeConfig } : {}),
    };
    const variables = sandbox && {
      CNI_CONTAINERID: sandbox.containerId,
      CNI_NETNS: sandbox.netns,
      CNI_IFNAME: sandbox.ifname ?? 'eth0',
      CNI_ARGS: sandbox.args ?? '',
    };
    const call = { CNI_COMMAND: verb, ...variables };
    const outcome = await runPlugin(plugin.type, call, JSON.stringify(config), this.#ourFolder);
    const answer = outcome.stdout === '' ? undefined : JSON.parse(outcome.stdout);
    if (outcome.code === 0) return answer;
    throw Object.assign(new Error(`${verb} ${plugin.type}: ${answer?.msg ?? outcome.stderr}`), {
      code: answer?.code,
    });
  }
}

function keyOf({ containerId, ifname = 'eth0' }: Sandbox): string {
  return `${containerId} ${ifname}`;
}
