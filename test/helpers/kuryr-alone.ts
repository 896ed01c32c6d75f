/** Kuryr alone, as `berth kuryr` runs it, in front of our own network API over HTTP. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLog } from '../../src/base/log.ts';
import type { Credentials } from '../../src/client/credentials.ts';
import { Session } from '../../src/client/session.ts';
import type { Kernel } from '../../src/host/kernel.ts';
import type { Binding } from '../../src/openstack/binding/port-binding.ts';
import { checkExtensions } from '../../src/openstack/extensions.ts';
import { neutronBackend } from '../../src/openstack/kuryr-backend.ts';
import type { NestedKind } from '../../src/openstack/nested/attachment.ts';
import { nestedWiring } from '../../src/openstack/nested/nested.ts';
import { neutronService } from '../../src/openstack/network-service.ts';
import { startKuryrPlugin } from '../../src/plugins/libnetwork/kuryr-plugin.ts';
import type { NetworkService } from '../../src/wire/network-service.ts';
import type { DockerWorld } from './docker-flows.ts';
import { DockerdCalls } from './dockerd.ts';
import { NetworkCloud } from './network-cloud.ts';

const left: Binding = { bind: async () => undefined, unbind: async () => undefined };

export interface KuryrAlone extends DockerWorld {
  readonly service: NetworkService;
  readonly session: Session;
  restart(): Promise<void>;
  sweep(): Promise<readonly { kind: string }[]>;
}

export interface AloneOptions {
  readonly kernel: Pick<Kernel, 'apply' | 'links'>;
  /** By `binding:vif_type`; our network API says `berth`, whose links are left as they are unless told. */
  readonly bindings?: Readonly<Record<string, Binding>>;
}

export interface ServeOptions extends AloneOptions {
  readonly credentials: Credentials;
  /** Of this host, among the network service's agents. */
  readonly name: string;
  /** As in a virtual machine, whose port this interface is. */
  readonly nested?: { readonly kind: NestedKind; readonly link: string };
}

/** In front of our own network API, made for this. */
export async function withKuryrAlone(
  options: AloneOptions,
  work: (alone: KuryrAlone) => Promise<void>,
): Promise<void> {
  await using cloud = await NetworkCloud.open();
  await serveKuryrAlone({ ...options, credentials: cloud.credentials('admin'), name: 'here' }, work);
}

/** In front of any Neutron. */
export async function serveKuryrAlone(
  { kernel, bindings = { berth: left }, credentials, name: host, nested }: ServeOptions,
  work: (alone: KuryrAlone) => Promise<void>,
): Promise<void> {
  const pluginDir = await mkdtemp(join(tmpdir(), 'kuryr-'));
  const session = new Session({ credentials });
  await checkExtensions(session, silentLog(), { waitsMs: [] });
  const networks = new Set<string>();
  const endpoints = new Map<string, string>();
  const log = silentLog();
  const wiring = nested
    ? await nestedWiring({ session, kernel, host, log, ...nested })
    : { service: neutronService({ session, host }) };
  const start = () =>
    startKuryrPlugin({
      name: 'kuryr',
      pluginDir,
      backend: neutronBackend({
        ...wiring,
        host,
        kernel,
        run: async () => '',
        holdings: async () => ({
          networks,
          endpoints: [...endpoints].map(([id, macAddress]) => ({ id, macAddress })),
        }),
        bindings,
      }),
      log,
      deadlineMs: 60_000,
    });
  let plugin = await start();
  const calls = new DockerdCalls(join(pluginDir, 'kuryr.sock'));
  try {
    await work({
      service: wiring.service,
      session,
      host: { networks, endpoints },
      ask: (call, body) => calls.ask(call, body),
      call: (call, body) => calls.call(call, body),
      restart: async () => {
        await plugin.close();
        plugin = await start();
      },
      sweep: () => plugin.orphans.sweep(0),
    });
  } finally {
    await plugin.close();
    await rm(pluginDir, { recursive: true });
  }
}
