/**
 * The unmodified `openstack` command line (python3-openstackclient), as a user would run it.
 *
 * Sees only the environment given here: nothing of the caller's OS_* variables or clouds.yaml. A call costs about a
 * second of CPU, so tests choose their commands.
 */
import { execFile } from 'node:child_process';

export interface CliResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const deadlineMs = 120_000;

export class OpenStackCli {
  readonly #env: Readonly<Record<string, string>>;
  readonly #program: string;

  /** `env`: the OS_* variables. `program`: another client that reads them, e.g. `zun`. */
  constructor(env: Readonly<Record<string, string>>, program = 'openstack') {
    this.#env = env;
    this.#program = program;
  }

  /** The same user with another client. */
  with(program: string): OpenStackCli {
    return new OpenStackCli(this.#env, program);
  }

  /** For a user of the default domain with a password. */
  static forUser(authUrl: string, user: { name: string; password: string; project: string }): OpenStackCli {
    return new OpenStackCli({
      OS_AUTH_URL: authUrl,
      OS_IDENTITY_API_VERSION: '3',
      OS_USERNAME: user.name,
      OS_PASSWORD: user.password,
      OS_PROJECT_NAME: user.project,
      OS_USER_DOMAIN_NAME: 'Default',
      OS_PROJECT_DOMAIN_NAME: 'Default',
      OS_REGION_NAME: 'RegionOne',
    });
  }

  /** Never throws for an exit code other than 0. */
  run(...args: string[]): Promise<CliResult> {
    const env = {
      PATH: '/usr/local/bin:/usr/bin:/bin',
      HOME: '/nonexistent',
      LANG: 'C.UTF-8',
      ...this.#env,
    };
    return new Promise((resolve, reject) => {
      execFile(
        this.#program,
        args,
        { env, timeout: deadlineMs, maxBuffer: 16 << 20 },
        (error, stdout, stderr) => {
          if (error && typeof error.code !== 'number') return reject(error);
          resolve({ code: Number(error?.code ?? 0), stdout, stderr });
        },
      );
    });
  }

  /** The output of a command that must succeed. */
  async ok(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.run(...args);
    if (code !== 0) throw new Error(`${this.#program} ${args.join(' ')}: exit code ${code}: ${stderr}`);
    return stdout;
  }

  /** The answer of a command that must succeed, as JSON. */
  async json<T>(...args: string[]): Promise<T> {
    return JSON.parse(await this.ok(...args, '-f', 'json')) as T;
  }

  /** What a command that must fail says. */
  async refusal(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.run(...args);
    if (code === 0) throw new Error(`${this.#program} ${args.join(' ')} succeeded: ${stdout}`);
    return stderr;
  }
}
