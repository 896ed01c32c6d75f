/** The Container Network Model of this host, put together: the only place that knows which drivers there are. */
import { readFileSync } from 'node:fs';
import type { Log } from '../src/base/log.ts';
import { statePaths } from '../src/base/state-paths.ts';
import { Controller } from '../src/cnm/controller.ts';
import { BridgeDriver } from '../src/cnm/drivers/bridge/driver.ts';
import { MacvlanDriver } from '../src/cnm/drivers/macvlan/driver.ts';
import { hostDriver, nullDriver } from '../src/cnm/drivers/null.ts';
import { OverlayDriver } from '../src/cnm/drivers/overlay/driver.ts';
import { Plugins } from '../src/cnm/drivers/remote/plugins.ts';
import { DefaultIpam } from '../src/cnm/ipam/default.ts';
import { nullIpam } from '../src/cnm/ipam/null.ts';
import { NameFiles } from '../src/cnm/name-files.ts';
import { awaitDirectory } from '../src/cnm/peers/awaiting.ts';
import { openDirectory } from '../src/cnm/peers/open.ts';
import { openCnmService } from '../src/cnm/service.ts';
import type { Kernel } from '../src/host/kernel.ts';
import { openKernel } from '../src/host/linux.ts';
import type { CnmNetwork } from '../src/model/cnm.ts';
import { SqliteRecords } from '../src/store/cnm/records.ts';

export interface CnmWorldOptions {
  readonly stateDir: string;
  /** Address of this host for tunnels; left out: its address on the way to everywhere. */
  readonly tunnelAddress?: string;
  /** Where the hosts of overlay networks share who is where (src/cnm/peers/open.ts); left out: a folder of this host alone. */
  readonly peers?: string;
  readonly peersPassword?: string | undefined;
  /** Ends a start that waits. */
  readonly signal: AbortSignal;
}

export interface CnmWorld {
  /** Calls under way are finished; what was made stays. */
  close(): Promise<void>;
}

/** `stop` is called when somebody asks for the end. */
export async function openCnmWorld(options: CnmWorldOptions, log: Log, stop: () => void): Promise<CnmWorld> {
  const closing = new AsyncDisposableStack();
  try {
    await build(options, log, { closing, stop });
    return { close: () => closing.disposeAsync() };
  } catch (error) {
    await closing.disposeAsync();
    throw error;
  }
}

interface Ends {
  readonly closing: AsyncDisposableStack;
  readonly stop: () => void;
}

async function build(options: CnmWorldOptions, log: Log, { closing, stop }: Ends): Promise<void> {
  const startedAt = new Date().toISOString();
  const { stateDir } = options;
  const paths = statePaths(stateDir);
  const store = new SqliteRecords(paths.cnmDatabase);
  closing.defer(() => store.close());
  const kernel = await openKernel({ log });
  closing.defer(() => kernel.close());
  const plugins = new Plugins();
  closing.defer(() => plugins.close());
  const names = new NameFiles();
  names.sweep(await kernel.namespaces());
  const directory = await openDirectory({
    peers: options.peers ?? paths.cnmPeers,
    password: options.peersPassword,
    log,
  });
  closing.defer(() => directory.close());
  const known: readonly CnmNetwork[] = await store.list('network');
  if (known.some(({ scope }) => scope === 'global')) await awaitDirectory(directory, log, options.signal);
  const host = async () => options.tunnelAddress ?? (await outwardAddress(kernel));
  const controller = await Controller.open({
    store,
    kernel,
    log,
    drivers: (records) => {
      const overlay = new OverlayDriver({ kernel, records, directory, tunnelAddress: host, log });
      closing.defer(() => overlay.close());
      return [
        nullDriver,
        hostDriver,
        new BridgeDriver(kernel, records),
        overlay,
        new MacvlanDriver(kernel, records),
      ];
    },
    ipams: [new DefaultIpam({ avoid: () => routesOf(kernel), global: { directory, host } }), nullIpam],
    plugins: { driver: (name) => plugins.driver(name), ipam: (name) => plugins.ipam(name) },
    onHosts: (sandbox, hosts) => names.write(sandbox, hosts),
    onGone: (sandbox) => names.remove(sandbox),
  });
  const status = () => ({
    pid: process.pid,
    version: versionOf(),
    startedAt,
    stateDir,
  });
  const service = await openCnmService({ path: paths.cnmSocket, controller, log, status, stop });
  closing.defer(() => service.close());
}

/** The IPv4 address on the link of the default route. */
async function outwardAddress(kernel: Kernel): Promise<string | undefined> {
  const [routes, addresses] = await Promise.all([kernel.routes(), kernel.addresses()]);
  const outward = routes.find(({ to }) => to === '0.0.0.0/0')?.link;
  const own = addresses.find(({ link, address }) => link === outward && !address.includes(':'));
  return own?.address.split('/')[0];
}

/** Where this host has a way already. */
async function routesOf(kernel: Kernel): Promise<readonly string[]> {
  return (await kernel.routes()).map(({ to }) => to);
}

function versionOf(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
