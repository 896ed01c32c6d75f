/**
 * Everything in one process, put together: the only place that knows which implementation stands behind which interface.
 *
 * `openWorld` ends when the APIs answer, whatever Docker does; `start` then brings up this host. Order matters twice: the
 * Kuryr plugin answers before the agent touches Docker, because dockerd calls it for every container on a network of
 * ours; and everything is closed in the reverse order of its opening, so that an agent that finishes its work can still
 * report it, and dockerd can still ask the plugin.
 */
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { startAgent } from '../src/agent/agent.ts';
import { cnmHoldings } from '../src/agent/cnm-holdings.ts';
import { keystoneService } from '../src/api/keystone/service.ts';
import { neutronService } from '../src/api/neutron/service.ts';
import { createServer } from '../src/api/server.ts';
import { rewriteZunUrl as rewriteUrl } from '../src/api/zun/rewrite-url.ts';
import { zunService } from '../src/api/zun/service.ts';
import { systemClock as clock } from '../src/base/clock.ts';
import type { Config } from '../src/base/config-schema.ts';
import type { Log } from '../src/base/log.ts';
import { statePaths } from '../src/base/state-paths.ts';
import { Switchboard } from '../src/bus/in-process.ts';
import { bootstrap } from '../src/control/bootstrap/bootstrap.ts';
import { findProjectCaller } from '../src/control/bootstrap/member.ts';
import { BusWaker } from '../src/control/bus-waker.ts';
import { createContainerControl } from '../src/control/container/control.ts';
import { Identity } from '../src/control/identity/identity.ts';
import { findSubject } from '../src/control/identity/subject.ts';
import type { EventPublisher } from '../src/control/nats/publisher.ts';
import { createNetworkControl } from '../src/control/network/network-control.ts';
import { readPolicy } from '../src/control/policy/file.ts';
import { Secrets } from '../src/control/secrets.ts';
import { connectEngine } from '../src/docker/connect.ts';
import { openKernel } from '../src/host/linux.ts';
import { Failure } from '../src/model/failure.ts';
import { Resolvers } from '../src/names/resolvers.ts';
import { Dataplane } from '../src/network/dataplane.ts';
import { startCniService } from '../src/plugins/cni/service.ts';
import { type KuryrPlugin, startKuryrPlugin } from '../src/plugins/libnetwork/kuryr-plugin.ts';
import { parseListen } from '../src/plugins/libnetwork/listen.ts';
import { countEverything } from '../src/store/counts.ts';
import { type Db, openDatabase } from '../src/store/database.ts';
import { ensureInstanceId } from '../src/store/settings.ts';
import type { ServerPhase, ServerStatus } from '../src/wire/control.ts';

export interface World {
  /** Where the APIs answer. */
  readonly url: string;
  status(): Promise<ServerStatus>;
  /** Brings up this host: dataplane, Kuryr plugin, agent. */
  start(): Promise<void>;
  /** Ends in good order: work under way is finished, containers go on running. */
  stop(): Promise<void>;
}

const dockerAnswersWithinMs = 1_000;

export async function openWorld(config: Config, log: Log): Promise<World> {
  const closing = new AsyncDisposableStack();
  try {
    return await buildWorld(config, log, closing);
  } catch (error) {
    await closing.disposeAsync();
    throw error;
  }
}

async function buildWorld(config: Config, log: Log, closing: AsyncDisposableStack): Promise<World> {
  const startedAt = clock.now().toISOString();
  const tcp = parseListen(config.kuryr);
  const paths = statePaths(config.stateDir);
  const policy = readPolicy(config.policyFile || paths.policy, { isOptional: config.policyFile === '' });
  for (const rule of policy.unknown) log.warn({ rule }, 'policy.yaml: no such rule; it counts for nothing');
  const db = await openDatabase(paths.database);
  closing.defer(() => db.destroy());
  const instance = (await ensureInstanceId(db)).slice(0, 4);

  const board = new Switchboard(log);
  const bus = board.connect({ kind: 'server' });
  closing.defer(() => bus.close());
  const waker = new BusWaker(bus);
  const identity = await Identity.open({ db, clock, ...config.identity });
  const network = createNetworkControl({ db, waker, config, clock, log, policy });
  network.serve(bus, () => findProjectCaller(identity, config.kuryr.project));
  const containers = createContainerControl({
    db,
    bus,
    networking: network.networking,
    waker,
    config,
    clock,
    log,
    policy,
    secrets: Secrets.open(paths.secretsKey),
    findSubject: (user, project) => findSubject(identity, user, project),
    findNetworkTarget: network.findPolicyTarget,
    standingOf: (userId, projectId) => identity.tokens.standingOf(userId, projectId),
  });
  containers.serve();

  const publisher = await openPublisher({ db, config, log });

  const installation = await bootstrap({ db, identity, network, config, files: paths, log });

  const app = await createServer({
    log,
    rewriteUrl,
    services: [
      keystoneService({ identity, config, log }),
      neutronService({ authenticator: identity, control: network, config, log }),
      zunService({ authenticator: identity, control: containers, config }),
    ],
  });
  closing.defer(() => app.close());
  await listen(app, config.listen);
  const url = config.publicUrl.replace(/\/+$/, '') || urlOf(app, config.listen.host);
  await installation.publish(url);

  const engine = connectEngine({ dockerHost: config.agent.dockerHost });
  closing.defer(() => engine.close());
  let phase: ServerPhase = 'starting';
  let starting: Promise<void> | undefined;

  const bringUpHost = async (): Promise<void> => {
    containers.start();
    closing.defer(() => containers.stop());
    publisher?.start();
    closing.defer(() => publisher?.stop());
    const kernel = await openKernel({ log });
    closing.defer(() => kernel.close());
    const names = new Resolvers({ kernel, log });
    closing.defer(() => names.closeAll());
    const agentBus = board.connect({ kind: 'agent', host: config.agent.host });
    closing.defer(() => agentBus.close());
    let plugin: KuryrPlugin | undefined;
    const agent = await startAgent({
      bus: agentBus,
      engine,
      dataplane: new Dataplane({
        kernel,
        instance,
        log,
        externalInterface: config.network.externalInterface,
        names,
      }),
      kernel,
      config,
      keptLogsDir: paths.keptLogs,
      instance,
      kuryrName: config.kuryr.name,
      otherHoldings: () => cnmHoldings(config.stateDir),
      log,
      beforeContainers: async (backend) => {
        const { name, pluginDir, deadlineSeconds, sweepSeconds } = config.kuryr;
        const started = await startKuryrPlugin({
          name,
          pluginDir,
          tcp,
          backend,
          log,
          deadlineMs: deadlineSeconds * 1000,
          sweepMs: sweepSeconds * 1000,
          graceMs: config.agent.sweepGraceSeconds * 1000,
          isDryRun: config.agent.sweep === 'dry-run',
        });
        closing.defer(() => started.close());
        plugin = started;
      },
      onDockerBack: () => plugin?.dockerIsBack(),
    });
    closing.defer(() => agent.stop());
    const cni = await startCniService({ stateDir: config.stateDir, backend: agent.cniBackend, log });
    closing.defer(() => cni.close());
  };

  return {
    url,
    async status() {
      const docker = await engine.ping(dockerAnswersWithinMs).then(
        () => ({ ok: true, error: null }),
        (error: unknown) => ({ ok: false, error: error instanceof Error ? error.message : String(error) }),
      );
      return {
        pid: process.pid,
        version: versionOf(),
        startedAt,
        phase,
        url,
        stateDir: config.stateDir,
        host: config.agent.host,
        docker,
        counts: await countEverything(db),
      };
    },
    start() {
      starting = bringUpHost().then(() => {
        if (phase === 'starting') phase = 'ready';
      });
      return starting;
    },
    async stop() {
      phase = 'stopping';
      // First no new work, then the end of what is under way.
      await app.close();
      await starting?.catch(() => undefined);
      await closing.disposeAsync();
    },
  };
}

/** The client of NATS is loaded only where it is used. */
async function openPublisher({ db, config, log }: PublisherParts): Promise<EventPublisher | undefined> {
  const { nats } = config.events;
  if (nats.servers.length === 0) return undefined;
  const [{ EventPublisher }, { natsOutlet }] = await Promise.all([
    import('../src/control/nats/publisher.ts'),
    import('../src/control/nats/connect.ts'),
  ]);
  const { subjectPrefix } = nats;
  return new EventPublisher({ db, log, open: natsOutlet(nats, await ensureInstanceId(db)), subjectPrefix });
}

interface PublisherParts {
  readonly db: Db;
  readonly config: Config;
  readonly log: Log;
}

async function listen(app: FastifyInstance, { host, port }: Config['listen']): Promise<void> {
  try {
    await app.listen({ host, port });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EADDRINUSE' && code !== 'EADDRNOTAVAIL' && code !== 'EACCES') throw error;
    const why = code === 'EADDRINUSE' ? 'another program listens there' : `this machine refuses it (${code})`;
    throw new Failure('unavailable', `cannot listen on ${host} port ${port}: ${why}`, { cause: error });
  }
}

/** The address that clients on this machine can use. */
function urlOf(app: FastifyInstance, host: string): string {
  const { port } = app.server.address() as AddressInfo;
  const isEverywhere = host === '0.0.0.0' || host === '::';
  const name = isEverywhere ? '127.0.0.1' : host.includes(':') ? `[${host}]` : host;
  return `http://${name}:${port}`;
}

function versionOf(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
