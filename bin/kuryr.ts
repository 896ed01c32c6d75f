/**
 * Kuryr alone: the libnetwork plugin in front of a Neutron, whose own agents wire the ports.
 *
 *   kuryr.ts [--name kuryr] [--plugin-dir FOLDER] [--host NAME] [--sweep on|dry-run] [--listen tcp://ADDRESS:PORT …]
 *            [--nested vlan|macvlan --link INTERFACE]
 *
 * Credentials are found as the command line finds them; its options come as JSON in BERTH_KURYR_CLOUD. Logs go to stderr. Run it through `./berth kuryr`.
 */
import { homedir, hostname } from 'node:os';
import { parseArgs } from 'node:util';
import { environment } from '../src/base/environment.ts';
import { createLog } from '../src/base/log.ts';
import { createFetch } from '../src/cli/cloud/http-fetch.ts';
import type { GlobalOptions } from '../src/cli/cloud/options.ts';
import { findCloud } from '../src/cli/cloud/sources.ts';
import { Session } from '../src/client/session.ts';
import { connectEngine } from '../src/docker/connect.ts';
import type { Engine } from '../src/docker/engine.ts';
import { dockerHoldings } from '../src/docker/holdings.ts';
import { runCommand } from '../src/host/command.ts';
import { openKernel } from '../src/host/linux.ts';
import { isFailure } from '../src/model/failure.ts';
import { portIpamDriver } from '../src/model/host-names.ts';
import { checkExtensions, neededByAll } from '../src/openstack/extensions.ts';
import { neutronBackend } from '../src/openstack/kuryr-backend.ts';
import { nestedKinds } from '../src/openstack/nested/attachment.ts';
import { neededByNested, nestedWiring } from '../src/openstack/nested/nested.ts';
import { neutronService } from '../src/openstack/network-service.ts';
import { type KuryrPlugin, startKuryrPlugin } from '../src/plugins/libnetwork/kuryr-plugin.ts';
import { type ListenSettings, parseListen } from '../src/plugins/libnetwork/listen.ts';

/** dockerd waits for the plugin, which has to have time for an answer of its own. */
const requestMs = 8_000;
const deadlineMs = 25_000;

const { values } = parseArgs({
  options: {
    name: { type: 'string', default: 'kuryr' },
    'plugin-dir': { type: 'string', default: '/run/docker/plugins' },
    host: { type: 'string', default: hostname() },
    sweep: { type: 'string', default: 'on' },
    listen: { type: 'string', default: '' },
    'spec-dir': { type: 'string', default: '/etc/docker/plugins' },
    'listen-insecure': { type: 'boolean', default: false },
    'tls-cert': { type: 'string', default: '' },
    'tls-key': { type: 'string', default: '' },
    'tls-client-ca': { type: 'string', default: '' },
    'docker-ca': { type: 'string', default: '' },
    'docker-cert': { type: 'string', default: '' },
    'docker-key': { type: 'string', default: '' },
    nested: { type: 'string' },
    link: { type: 'string' },
  },
});

function listenSettings(): ListenSettings {
  return {
    listen: values.listen,
    specDir: values['spec-dir'],
    insecure: values['listen-insecure'],
    tls: {
      certFile: values['tls-cert'],
      keyFile: values['tls-key'],
      clientCaFile: values['tls-client-ca'],
      dockerCaFile: values['docker-ca'],
      dockerCertFile: values['docker-cert'],
      dockerKeyFile: values['docker-key'],
    },
  };
}

async function main(): Promise<void> {
  const tcp = parseListen(listenSettings());
  const env = environment();
  const log = createLog({ level: env.BERTH_LOG_LEVEL ?? 'info' });
  const options = JSON.parse(env.BERTH_KURYR_CLOUD ?? '{}') as GlobalOptions;
  const found = await findCloud(options, { env, cwd: process.cwd(), home: homedir() });
  const { credentials, cacert, insecure, from } = found;
  const usesOwnTls = cacert !== undefined || insecure;
  const session = new Session({
    credentials,
    timeoutMs: requestMs,
    ...(usesOwnTls ? { fetch: createFetch({ cacert, insecure }) } : {}),
  });
  const nested = nestedKinds.find((kind) => kind === values.nested);
  await checkExtensions(session, log, { needed: nested ? neededByNested[nested] : neededByAll });
  const kernel = await openKernel({ log });
  const engine = connectEngine({ dockerHost: env.DOCKER_HOST ?? '' });
  try {
    const { host } = values;
    const plugin = await startKuryrPlugin({
      name: values.name,
      pluginDir: values['plugin-dir'],
      tcp,
      backend: neutronBackend({
        ...(nested
          ? await nestedWiring({ session, kernel, kind: nested, link: values.link ?? '', host, log })
          : { service: neutronService({ session, host }) }),
        host,
        kernel,
        run: runCommand,
        holdings: () => dockerHoldings(engine, { besidesIpam: portIpamDriver(values.name) }),
      }),
      log,
      deadlineMs,
      isDryRun: values.sweep === 'dry-run',
    });
    log.info({ driver: values.name, host, credentials: from }, 'Kuryr is ready');
    const ending = new AbortController();
    const watching = tellWhenBack(engine, plugin, ending.signal);
    await new Promise((resolve) => process.once('SIGTERM', resolve).once('SIGINT', resolve));
    ending.abort();
    await watching;
    await plugin.close();
  } finally {
    engine.close();
    await kernel.close();
  }
}

async function tellWhenBack(engine: Engine, plugin: KuryrPlugin, signal: AbortSignal): Promise<void> {
  for await (const { kind } of engine.watch({ signal })) {
    if (kind === 'connected') plugin.dockerIsBack();
  }
}

try {
  await main();
} catch (error) {
  process.stderr.write(`kuryr: ${isFailure(error) ? error.message : (error as Error).stack}\n`);
  process.exitCode = 1;
}
