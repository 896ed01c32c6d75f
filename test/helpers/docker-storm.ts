/**
 * Docker's commands about containers and networks in a random order, several at a time, chosen by what should be there.
 * Any may fail, because of what happens meanwhile; only the end is judged.
 */
import type { Machine, Output } from './machine.ts';
import type { Seeded } from './seeded.ts';

export interface StormNetwork {
  readonly name: string;
  /** What follows `docker network create --driver kuryr --ipam-driver kuryr`. */
  readonly options: readonly string[];
  /** For `--ip`. */
  readonly addresses?: readonly string[];
  /** Removed and made again in between. */
  readonly comesAndGoes?: boolean;
}

export interface StormOptions {
  readonly machine: Machine;
  readonly networks: readonly StormNetwork[];
  readonly random: Seeded;
  readonly containers: number;
}

export interface Outcome extends Output {
  readonly args: readonly string[];
  readonly ms: number;
}

interface Command {
  readonly args: readonly string[];
  /** What should be there now; `isDone` also when there was nothing to do. */
  readonly settle?: (isDone: boolean) => void;
}

/** A hanging command is a finding, not the end of the test. */
const patienceSeconds = '100';

export class DockerStorm {
  readonly #options: StormOptions;
  /** Those that may be there → their networks. */
  readonly #containers = new Map<string, Set<string>>();
  /** Just being removed. */
  readonly #going = new Set<string>();
  readonly #networks = new Set<string>();
  readonly outcomes: Outcome[] = [];

  constructor(options: StormOptions) {
    this.#options = options;
  }

  async createNetworks(): Promise<void> {
    for (const network of this.#options.networks) {
      this.#networks.add(network.name);
      await this.#must(createArgs(network));
    }
  }

  /** The next command, carried out. */
  async next(): Promise<Outcome> {
    const { args, settle } = this.#choose();
    const outcome = await this.#execute(args);
    settle?.(outcome.code === 0 || /No such container|network \S+ not found/.test(outcome.stderr));
    return outcome;
  }

  /** By the ordinary commands, and by ids, since Docker may have two of one name; what they said when they failed. */
  async removeAll(): Promise<string[]> {
    const said: string[] = [];
    const each = async (list: readonly string[], remove: readonly string[]) => {
      for (const id of (await this.#must(list)).split('\n').filter(Boolean)) {
        const { code, stderr } = await this.#execute([...remove, id]);
        if (code !== 0) said.push(`docker ${remove.join(' ')} ${id}: ${stderr.trim()}`);
      }
    };
    await each(['ps', '-a', '--format', '{{.ID}}'], ['rm', '-f']);
    await each(['network', 'ls', '--filter', 'driver=kuryr', '--format', '{{.ID}}'], ['network', 'rm']);
    return said;
  }

  #choose(): Command {
    const roll = this.#options.random.next();
    const command =
      (roll < 0.05 ? this.#toggleNetwork() : undefined) ??
      (roll < 0.2 ? this.#connect() : undefined) ??
      (roll < 0.34 ? this.#disconnect() : undefined) ??
      (roll < 0.62 ? this.#remove() : undefined) ??
      this.#run() ??
      this.#remove();
    // All are just being removed.
    return command ?? { args: ['ps', '-a'] };
  }

  #run(): Command | undefined {
    const { random, containers } = this.#options;
    const names = Array.from({ length: containers }, (_, index) => `c${index}`);
    const name = random.of(names.filter((each) => !this.#containers.has(each) && !this.#going.has(each)));
    const network = this.#anyNetwork();
    if (!name || !network) return undefined;
    this.#containers.set(name, new Set([network.name]));
    const address = random.chance(0.3) ? random.of(network.addresses ?? []) : undefined;
    return {
      args: [
        // Ends at once when dockerd is back, which waits for it.
        ...['run', '--detach', '--stop-signal', 'SIGKILL', '--name', name, '--net', network.name],
        ...(address ? ['--ip', address] : []),
        ...(random.chance(0.3) ? ['-p', `${8000 + random.below(20)}:80`] : []),
        ...(random.chance(0.25) ? ['--restart', 'always'] : []),
        ...['busybox', 'sleep', '100000'],
      ],
    };
  }

  #remove(): Command | undefined {
    const [name, networks] = this.#options.random.of([...this.#containers]) ?? [];
    if (!name || !networks) return undefined;
    this.#containers.delete(name);
    this.#going.add(name);
    return {
      args: ['rm', '-f', name],
      settle: (isDone) => {
        this.#going.delete(name);
        if (!isDone) this.#containers.set(name, networks);
      },
    };
  }

  #connect(): Command | undefined {
    const { random, networks: all } = this.#options;
    const [name, networks] = random.of([...this.#containers]) ?? [];
    const network = random.of(
      all.filter((each) => this.#networks.has(each.name) && !networks?.has(each.name)),
    );
    if (!name || !networks || !network) return undefined;
    return {
      args: ['network', 'connect', network.name, name],
      settle: (isDone) => {
        if (isDone) networks.add(network.name);
      },
    };
  }

  #disconnect(): Command | undefined {
    const { random } = this.#options;
    const [name, networks] = random.of([...this.#containers].filter((each) => each[1].size > 0)) ?? [];
    const network = random.of([...(networks ?? [])]);
    if (!name || !networks || !network) return undefined;
    return {
      args: ['network', 'disconnect', ...(random.chance(0.3) ? ['--force'] : []), network, name],
      settle: (isDone) => {
        if (isDone) networks.delete(network);
      },
    };
  }

  #toggleNetwork(): Command | undefined {
    const network = this.#options.random.of(this.#options.networks.filter((each) => each.comesAndGoes));
    if (!network) return undefined;
    const { name } = network;
    if (!this.#networks.has(name)) {
      this.#networks.add(name);
      return { args: createArgs(network) };
    }
    return {
      args: ['network', 'rm', name],
      settle: (isDone) => {
        if (isDone) this.#networks.delete(name);
      },
    };
  }

  #anyNetwork(): StormNetwork | undefined {
    return this.#options.random.of(this.#options.networks.filter(({ name }) => this.#networks.has(name)));
  }

  async #execute(args: readonly string[]): Promise<Outcome> {
    const { machine } = this.#options;
    const began = performance.now();
    const docker = ['-k', '5', patienceSeconds, 'docker', '-H', machine.dockerHost];
    const output = await machine.exec('timeout', [...docker, ...args]);
    const outcome = { ...output, args, ms: Math.round(performance.now() - began) };
    this.outcomes.push(outcome);
    return outcome;
  }

  async #must(args: readonly string[]): Promise<string> {
    const { machine } = this.#options;
    return machine.must('docker', ['-H', machine.dockerHost, ...args]);
  }
}

function createArgs({ name, options }: StormNetwork): string[] {
  return ['network', 'create', '--driver', 'kuryr', '--ipam-driver', 'kuryr', ...options, name];
}
