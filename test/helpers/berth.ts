/**
 * A Berth on a simulated machine, used as its owner uses it: the server process, and the command line with JSON output.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parse, stringify } from 'yaml';
import { statePaths } from '../../src/base/state-paths.ts';
import { askStatus } from '../../src/client/control.ts';
import type { Machine, MachineProcess, Output } from './machine.ts';
import { Pty, type PtyOptions } from './pty.ts';
import { until } from './until.ts';

const root = resolve(import.meta.dirname, '../..');
const server = join(root, 'bin/berthd.ts');
const commandLine = join(root, 'bin/berth.ts');

// biome-ignore lint/suspicious/noExplicitAny: tests read answers freely; the shapes are tested where they are made
export type Answer = any;

export interface RequestOptions {
  readonly cloud?: string;
  readonly version?: string;
  readonly body?: unknown;
}

/** Commands that say nothing but whether it worked, or what another program says. */
const silent = new Set(['delete', 'start', 'stop', 'restart', 'pause', 'unpause', 'kill', 'attach', 'exec']);

export class Berth {
  readonly machine: Machine;
  readonly stateDir: string;
  readonly log: string;
  #process: MachineProcess | undefined;
  readonly #tokens = new Map<string, Promise<string>>();

  /** Settings as the configuration file has them. */
  constructor(machine: Machine, settings: object = {}) {
    this.machine = machine;
    this.stateDir = join(machine.disk, 'state');
    this.log = join(machine.disk, 'berth.log');
    writeFileSync(
      join(machine.disk, 'berth.yaml'),
      JSON.stringify({ stateDir: this.stateDir, logLevel: 'debug', ...settings }),
    );
  }

  /** Starts the server and waits until it and its Docker are up. */
  async up(): Promise<void> {
    const args = [server, '--config', join(this.machine.disk, 'berth.yaml')];
    this.#process = this.machine.spawn(process.execPath, args, this.log, this.#env());
    await until('Berth is ready, and has a host that is up', async () => {
      const status = await askStatus(statePaths(this.stateDir).controlSocket);
      if (status?.phase !== 'ready' || !status.docker.ok) return false;
      const { body } = await this.request('GET', '/services', { cloud: 'berth-admin' });
      return body.services.some((service: Answer) => service.state === 'up');
    });
  }

  /** SIGTERM, as `berth down` sends it. */
  async down(): Promise<void> {
    process.kill(await this.#pid(), 'SIGTERM');
    await this.#process?.exited;
  }

  /** SIGKILL in the middle of whatever it is doing. */
  async kill(): Promise<void> {
    process.kill(await this.#pid(), 'SIGKILL');
    await this.#process?.exited;
  }

  /** `berth …` as the demo user; the parsed JSON output. */
  cli(...args: readonly string[]): Promise<Answer> {
    return this.as('berth', ...args);
  }

  /** `berth …` as the administrator. */
  admin(...args: readonly string[]): Promise<Answer> {
    return this.as('berth-admin', ...args);
  }

  /** A request to the container API, below /v1, at a microversion: for what no client asks. */
  async request(method: string, path: string, options: RequestOptions = {}): Promise<Answer> {
    const { cloud = 'berth', version = '1.41', body } = options;
    const headers = { 'OpenStack-API-Version': `container ${version}` };
    return this.#ask(cloud, `/v1${path}`, { method, headers, body });
  }

  /** A request to the network API, below /v2.0, as the administrator unless told. */
  async network(
    method: string,
    path: string,
    options: Omit<RequestOptions, 'version'> = {},
  ): Promise<Answer> {
    const { cloud = 'berth-admin', body } = options;
    return this.#ask(cloud, `/network/v2.0${path}`, { method, headers: {}, body });
  }

  async #ask(
    cloud: string,
    path: string,
    { method, headers, body }: { method: string; headers: Record<string, string>; body: unknown },
  ): Promise<Answer> {
    const url = `${this.#authOf(cloud).auth_url.replace(/\/identity.*$/, '')}${path}`;
    const { stdout } = await this.#curl(url, {
      method,
      headers: { 'X-Auth-Token': await this.#token(cloud), ...headers },
      body,
    });
    const [head = '', ...rest] = stdout.split('\r\n\r\n');
    const text = rest.join('\r\n\r\n');
    return { status: Number(head.split(' ')[1]), body: text === '' ? undefined : JSON.parse(text) };
  }

  /** Asked for once: a token outlives a restart of the server. */
  #token(cloud: string): Promise<string> {
    const known = this.#tokens.get(cloud);
    if (known) return known;
    const token = this.#logIn(cloud);
    this.#tokens.set(cloud, token);
    token.catch(() => this.#tokens.delete(cloud));
    return token;
  }

  async #logIn(cloud: string): Promise<string> {
    const auth = this.#authOf(cloud);
    const domain = { id: 'default' };
    const { stdout } = await this.#curl(`${auth.auth_url}/auth/tokens`, {
      method: 'POST',
      body: {
        auth: {
          identity: {
            methods: ['password'],
            password: { user: { name: auth.username, password: auth.password, domain } },
          },
          scope: { project: { name: auth.project_name, domain } },
        },
      },
    });
    const token = /^x-subject-token: (\S+)/im.exec(stdout)?.[1];
    if (token === undefined) throw new Error(`no token for ${cloud}: ${stdout}`);
    return token;
  }

  #authOf(cloud: string): Record<'auth_url' | 'username' | 'password' | 'project_name', string> {
    return parse(readFileSync(this.#cloudsFile(), 'utf8')).clouds[cloud].auth;
  }

  #curl(
    url: string,
    { method, headers = {}, body }: { method: string; headers?: Record<string, string>; body?: unknown },
  ): Promise<Output> {
    const all = { ...headers, ...(body === undefined ? {} : { 'Content-Type': 'application/json' }) };
    return this.machine.exec('curl', [
      ...['-s', '-i', '-X', method, url],
      ...Object.entries(all).flatMap(([name, value]) => ['-H', `${name}: ${value}`]),
      ...(body === undefined ? [] : ['-d', JSON.stringify(body)]),
    ]);
  }

  /** `berth …` with an entry of clouds.yaml; the parsed JSON output. A non-zero exit is an error. */
  async as(cloud: string, ...args: readonly string[]): Promise<Answer> {
    const { stdout, stderr, code } = await this.runAs(cloud, ...args);
    if (code !== 0) throw new Error(`berth ${args.join(' ')}: exit ${code}\n${stdout}${stderr}`);
    return /^[[{]/.test(stdout) ? JSON.parse(stdout) : undefined;
  }

  /** `berth …`, whatever its outcome. */
  runAs(cloud: string, ...args: readonly string[]): Promise<Output> {
    const firstOption = args.findIndex((arg) => arg.startsWith('-'));
    const words = firstOption < 0 ? args.length : firstOption;
    const format = args[0] === undefined || silent.has(args[0]) ? [] : ['-f', 'json'];
    const command = [...args.slice(0, words), ...format, ...args.slice(words)];
    return this.machine.exec(process.execPath, [commandLine, '--os-cloud', cloud, ...command], this.#env());
  }

  /** `berth …` as the demo user, with something on its standard input. */
  runWithInput(input: string, ...args: readonly string[]): Promise<Output> {
    const words = ['-c', 'printf %s "$0" | "$@"', input, process.execPath, commandLine];
    return this.machine.exec('sh', [...words, '--os-cloud', 'berth', ...args], this.#env());
  }

  /** A new project in which the demo user is a member, and an entry of clouds.yaml with the project's name. */
  async addProject(name: string): Promise<void> {
    for (const args of [
      ['project', 'create', name],
      ['role', 'add', '--user', 'demo', '--project', name, 'member'],
    ]) {
      const { code, stderr } = await this.client('openrc-admin', 'openstack', ...args);
      if (code !== 0) throw new Error(`openstack ${args.join(' ')}: ${stderr}`);
    }
    const file = this.#cloudsFile();
    const clouds = parse(readFileSync(file, 'utf8'));
    const demo = clouds.clouds.berth;
    clouds.clouds[name] = { ...demo, auth: { ...demo.auth, project_name: name } };
    writeFileSync(join(this.machine.disk, 'clouds.yaml'), stringify(clouds), { mode: 0o600 });
  }

  /** An unmodified OpenStack client (`zun`, `openstack`) on the machine, with the variables of `openrc` or `openrc-admin`. */
  client(openrc: 'openrc' | 'openrc-admin', file: string, ...args: readonly string[]): Promise<Output> {
    const script = '. "$0"; exec "$@"';
    return this.machine.exec('sh', ['-c', script, join(this.stateDir, openrc), file, ...args], this.#env());
  }

  /** `berth …` as the demo user on a terminal of its own, and then a line of shell. */
  cliOnTerminal(size: Pick<PtyOptions, 'rows' | 'columns'>, args: readonly string[], then = ''): Pty {
    const words = ['-c', `"$0" "$@"; code=$?; ${then}\nexit $code`, process.execPath, commandLine];
    const env = { ...process.env, ...this.#env(), OS_CLOUD: 'berth' };
    return new Pty('sh', [...words, ...args], { ...size, env, through: this.machine.through });
  }

  /** Such a client on a terminal of its own. */
  clientOnTerminal(
    size: Pick<PtyOptions, 'rows' | 'columns'>,
    file: string,
    ...args: readonly string[]
  ): Pty {
    const words = ['-c', '. "$0"; exec "$@"', join(this.stateDir, 'openrc'), file, ...args];
    const env = { ...process.env, ...this.#env() };
    return new Pty('sh', words, { ...size, env, through: this.machine.through });
  }

  async container(name: string): Promise<Answer> {
    const output = await this.runAs('berth-admin', 'show', name);
    return output.code === 0 ? JSON.parse(output.stdout) : undefined;
  }

  async addressesOf(name: string): Promise<string[]> {
    const { addresses } = await this.container(name);
    return (Object.values(addresses).flat() as { addr: string }[]).map(({ addr }) => addr);
  }

  /** Name of the container's Docker object. */
  async dockerName(name: string): Promise<string> {
    return `zun-${(await this.container(name)).uuid}`;
  }

  async untilStatus(name: string, status: string): Promise<Answer> {
    return until(`${name} is ${status}`, async () => {
      const container = await this.container(name);
      if (container?.status === 'Error' && status !== 'Error') throw new Error(container.status_reason);
      return container?.status === status && container.task_state === null ? container : undefined;
    });
  }

  async #pid(): Promise<number> {
    if (!this.#process) throw new Error('Berth was not started');
    return this.#process.pid();
  }

  /** The tests' own file once a project was added, else the one that the first start wrote. */
  #cloudsFile(): string {
    const own = join(this.machine.disk, 'clouds.yaml');
    return existsSync(own) ? own : join(this.stateDir, 'clouds.yaml');
  }

  #env(): NodeJS.ProcessEnv {
    return {
      OS_CLIENT_CONFIG_FILE: this.#cloudsFile(),
      DOCKER_HOST: this.machine.dockerHost,
      XDG_CACHE_HOME: join(this.machine.disk, 'cache'),
      HOME: this.machine.disk,
    };
  }
}
