/** A simulated machine with dockerd, a real Neutron and `berth kuryr` between them: made once for a test file. */
import { mkdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Session } from '../../../src/client/session.ts';
import { neutronService } from '../../../src/openstack/network-service.ts';
import { DockerdCalls } from '../dockerd.ts';
import { Machine, type MachineProcess } from '../machine.ts';
import { until } from '../until.ts';
import { addMember, credentialsOf, environmentOf } from './identity.ts';
import { NeutronCloud } from './neutron-cloud.ts';

const commandLine = resolve(import.meta.dirname, '../../../bin/berth.ts');

export class NeutronWorld {
  readonly machine: Machine;
  readonly neutron: NeutronCloud;
  readonly #plugins: string;

  private constructor(machine: Machine, neutron: NeutronCloud) {
    this.machine = machine;
    this.neutron = neutron;
    this.#plugins = join(machine.disk, 'plugins');
  }

  static async start(): Promise<NeutronWorld> {
    const machine = await Machine.start();
    try {
      const world = new NeutronWorld(machine, await NeutronCloud.start(machine));
      // In a folder that this process sees, too.
      mkdirSync(world.#plugins);
      await machine.must('mkdir', ['-p', '/run/docker/plugins']);
      await machine.must('mount', ['--bind', world.#plugins, '/run/docker/plugins']);
      return world;
    } catch (error) {
      await machine.destroy();
      throw error;
    }
  }

  /** One who is no administrator, in a project of its own. */
  async addUser(name: string): Promise<void> {
    await addMember(name);
    // Neutron makes a project's default group when it first hears of the project.
    const session = new Session({ credentials: credentialsOf(name) });
    await neutronService({ session }).list('security-groups', {});
  }

  /** `berth kuryr` of a user, serving when this resolves. */
  async startKuryr(driver: string, user: string, options: readonly string[]): Promise<MachineProcess> {
    const log = join(this.machine.disk, `${driver}.log`);
    const args = this.#kuryr(driver, options);
    const started = this.machine.spawn(process.execPath, args, log, this.#env(user));
    const isUp = async () => (await this.calls(driver).ask('Plugin.Activate')).status === 200;
    await until(`${driver} serves`, isUp).catch((cause: unknown) => {
      throw new Error(readFileSync(log, 'utf8'), { cause });
    });
    return started;
  }

  /** What a `berth kuryr` that must not start says. */
  async refusalOfKuryr(user: string, options: readonly string[]): Promise<string> {
    const { code, stderr } = await this.machine.exec(
      process.execPath,
      this.#kuryr('refused', options),
      this.#env(user),
    );
    if (code !== 1) throw new Error(`berth kuryr ${options.join(' ')} ended with code ${code}`);
    return stderr;
  }

  #kuryr(driver: string, options: readonly string[]): string[] {
    return ['--disable-warning=ExperimentalWarning', commandLine, 'kuryr', '--name', driver, ...options];
  }

  #env(user: string): NodeJS.ProcessEnv {
    return { ...environmentOf(user), DOCKER_HOST: this.machine.dockerHost };
  }

  /** To a driver, as dockerd would send them. */
  calls(driver: string): DockerdCalls {
    return new DockerdCalls(join(this.#plugins, `${driver}.sock`));
  }

  /** Docker's command line: what it printed; it has to succeed. */
  readonly docker = async (...args: readonly string[]): Promise<string> =>
    (await this.machine.must('docker', ['-H', this.machine.dockerHost, ...args])).trim();

  createNetwork(driver: string, name: string, ...options: readonly string[]): Promise<string> {
    return this.docker('network', 'create', '--driver', driver, '--ipam-driver', driver, ...options, name);
  }

  startContainer(
    name: string,
    network: string,
    options: readonly string[] = [],
    command = 'sleep 100000',
  ): Promise<string> {
    const args = ['-d', '--name', name, '--network', network, ...options];
    return this.docker('run', ...args, 'busybox', 'sh', '-c', command);
  }

  addressOf(container: string, network: string, key = 'IPAddress'): Promise<string> {
    const format = `{{(index .NetworkSettings.Networks "${network}").${key}}}`;
    return this.docker('inspect', '--format', format, container);
  }

  /** Removes what a test made by Docker, whatever happened. */
  async clear(containers: readonly string[], networks: readonly string[]): Promise<void> {
    for (const name of containers) await this.machine.docker('rm', '--force', name);
    for (const name of networks) await this.machine.docker('network', 'rm', name);
  }

  /** What a network or a container could leave behind in Neutron and on the machine. */
  async belongings() {
    const kinds = ['networks', 'subnets', 'subnetpools', 'ports', 'security-groups'] as const;
    const objects = await Promise.all(kinds.map((kind) => this.neutron.service.list(kind, {})));
    const lines = async (file: string, ...args: readonly string[]) =>
      (await this.machine.must(file, args)).trim().split('\n');
    const links: { ifname: string }[] = JSON.parse(await this.machine.must('ip', ['-j', 'link']));
    return {
      objects: objects.flatMap((rows) => rows.map(({ id }) => id)).sort(),
      links: links.map(({ ifname }) => ifname).sort(),
      // The agent keeps the chains that are not of a port.
      rules: (await lines('iptables-save')).filter((line) => line.includes('tap')),
      bridgeRules: (await lines('ebtables', '-t', 'nat', '-L')).filter((line) => line.includes('tap')),
      sets: await lines('ipset', 'list', '-n'),
      docker: await lines('docker', '-H', this.machine.dockerHost, 'network', 'ls', '-q', '--no-trunc'),
      containers: await lines('docker', '-H', this.machine.dockerHost, 'ps', '-aq', '--no-trunc'),
    };
  }
}
