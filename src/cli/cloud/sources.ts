/**
 * Where credentials come from, in this order:
 *
 *  1. `--os-cloud`, else `OS_CLOUD`: that cloud of the first clouds.yaml that has it;
 *  2. `--os-…` options and `OS_…` variables, when they name an auth URL;
 *  3. `--state-dir`, else the only cloud of the usual clouds.yaml files, else the Berth on this machine.
 *
 * Single `--os-…` options win over what a cloud says. Nothing found is an error that says what to do.
 */
import { join } from 'node:path';
import { statePaths } from '../../base/state-paths.ts';
import { Failure } from '../../model/failure.ts';
import { type CloudEntry, type CloudsFile, readClouds } from './clouds-yaml.ts';
import { credentialsOf, type FoundCloud, fromOptions } from './entry.ts';
import { type GlobalOptions, stateDirOf } from './options.ts';

export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly home: string;
}

/** The cloud that `berth up` writes for the first ordinary user. */
const localCloud = 'berth';

export async function findCloud(options: GlobalOptions, around: Surroundings): Promise<FoundCloud> {
  const { entry, from } = await findEntry(options, around);
  return credentialsOf({ ...entry, from });
}

async function findEntry(
  options: GlobalOptions,
  around: Surroundings,
): Promise<{ entry: CloudEntry; from: string }> {
  const overrides = fromOptions(options, {});
  const local = statePaths(stateDirOf(options, around)).cloudsYaml;
  const name = options.osCloud ?? around.env.OS_CLOUD;
  if (name) {
    const files = [...(options.stateDir ? [local] : []), ...usualFiles(around), local];
    return named(name, await readAll(files), overrides);
  }
  const given = fromOptions(options, options.stateDir ? {} : around.env);
  if (given.auth.auth_url) return { entry: given, from: 'the --os- options and OS_ variables' };
  if (!options.stateDir) {
    for (const file of await readAll(usualFiles(around))) {
      const [only, ...others] = Object.keys(file.clouds);
      if (only && others.length === 0) return named(only, [file], overrides);
    }
  }
  return named(localCloud, await readAll([local]), overrides, nothingFound(local));
}

function usualFiles({ env, cwd, home }: Surroundings): string[] {
  return [
    ...(env.OS_CLIENT_CONFIG_FILE ? [env.OS_CLIENT_CONFIG_FILE] : []),
    join(cwd, 'clouds.yaml'),
    join(env.XDG_CONFIG_HOME ?? join(home, '.config'), 'openstack', 'clouds.yaml'),
    '/etc/openstack/clouds.yaml',
  ];
}

async function readAll(files: readonly string[]): Promise<CloudsFile[]> {
  const read = await Promise.all([...new Set(files)].map(readClouds));
  return read.filter((file) => file !== undefined);
}

function named(
  name: string,
  files: readonly CloudsFile[],
  overrides: CloudEntry,
  otherwise?: Failure,
): { entry: CloudEntry; from: string } {
  const file = files.find(({ clouds }) => Object.hasOwn(clouds, name));
  const entry = file?.clouds[name];
  if (file && entry) {
    return {
      entry: { ...entry, ...overrides, auth: { ...entry.auth, ...overrides.auth } },
      from: `cloud ${name} of ${file.path}`,
    };
  }
  if (otherwise) throw otherwise;
  const known = files.flatMap(({ clouds }) => Object.keys(clouds));
  throw new Failure(
    'invalid-value',
    `there is no cloud ${name} in clouds.yaml; ${known.length ? `there are ${known.join(', ')}` : 'no such file was found'}`,
  );
}

function nothingFound(local: string): Failure {
  return new Failure(
    'unauthorized',
    `no cloud to talk to: no --os-cloud, no OS_AUTH_URL, no clouds.yaml, and no readable ${local}`,
  );
}
