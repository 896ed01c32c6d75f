/** `berth cni`: container runtimes that speak CNI get our plugin and a configuration to use it. */
import { existsSync, lstatSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Call, collect, define, type OptionRow, type Setting } from '../define.ts';
import { UsageError } from '../usage-error.ts';

interface Folders {
  readonly binDir?: string;
  readonly confDir?: string;
}

interface InstallOptions extends Folders {
  readonly network?: string;
  readonly securityGroup?: readonly string[];
}

const folderOptions: readonly OptionRow[] = [
  ['--bin-dir <folder>', 'where the runtime looks for plugins (/opt/cni/bin)'],
  ['--conf-dir <folder>', 'where it looks for configurations (/etc/cni/net.d)'],
];

const pluginName = 'berth-cni';

export function commands(setting: Setting): void {
  define<InstallOptions>(setting, {
    usage: 'cni install [name]',
    summary: 'let podman, containerd and others on this machine use a network of ours',
    options: [
      ['--network <network>', 'name or id; left out: the only network of the project'],
      ['--security-group <group>', 'name or id (repeatable); left out: the default group', collect],
      ...folderOptions,
    ],
    prints: true,
    examples: [
      'berth cni install --network demo',
      'berth cni install pods --network pods --security-group web --conf-dir /etc/cni/net.d',
    ],
    run: install,
  });
  define<Folders>(setting, {
    usage: 'cni uninstall [name]',
    summary: 'take the plugin and the configuration away again',
    options: folderOptions,
    examples: ['berth cni uninstall', 'berth cni uninstall pods'],
    run: uninstall,
  });
}

interface Places {
  readonly name: string;
  readonly plugin: string;
  readonly source: string;
  readonly configuration: string;
}

function placesOf({ operands, options, world }: Call<Folders>): Places {
  const [name = 'berth'] = operands;
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(name)) {
    throw new UsageError(`name ${JSON.stringify(name)}: expected letters, digits, "_", "." and "-"`);
  }
  return {
    name,
    plugin: join(options.binDir ?? '/opt/cni/bin', pluginName),
    source: join(world.root, pluginName),
    configuration: join(options.confDir ?? '/etc/cni/net.d', `50-${name}.conflist`),
  };
}

async function install(call: Call<InstallOptions>): Promise<undefined> {
  const places = placesOf(call);
  const { plugin, source, configuration } = places;
  if (isThere(plugin) && !lstatSync(plugin).isSymbolicLink()) {
    throw new UsageError(`${plugin} is there and is not ours: move it away first`);
  }
  assertOurs(configuration);
  mkdirSync(join(plugin, '..'), { recursive: true });
  rmSync(plugin, { force: true });
  symlinkSync(source, plugin);
  mkdirSync(join(configuration, '..'), { recursive: true });
  writeFileSync(configuration, `${JSON.stringify(listOf(call, places.name), null, 2)}\n`);
  await call.out.record({ name: places.name, configuration, plugin });
  return undefined;
}

async function uninstall(call: Call<Folders>): Promise<undefined> {
  const { plugin, configuration } = placesOf(call);
  assertOurs(configuration);
  rmSync(configuration, { force: true });
  if (isThere(plugin) && lstatSync(plugin).isSymbolicLink()) rmSync(plugin);
  return undefined;
}

/** Spec 0.4.0 is the newest that all runtimes in use understand. */
function listOf({ options, stateDir }: Call<InstallOptions>, name: string): object {
  const { network, securityGroup } = options;
  return {
    cniVersion: '0.4.0',
    name,
    plugins: [
      {
        type: pluginName,
        stateDir,
        ...(network === undefined ? {} : { network }),
        ...(securityGroup === undefined ? {} : { securityGroups: securityGroup }),
        capabilities: { ips: true, mac: true, dns: true, portMappings: true, bandwidth: true },
      },
    ],
  };
}

/** A configuration that somebody else wrote is never overwritten or removed. */
function assertOurs(file: string): void {
  if (!existsSync(file) || readFileSync(file, 'utf8').includes(`"${pluginName}"`)) return;
  throw new UsageError(`${file} is there and is not ours: choose another name`);
}

function isThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}
