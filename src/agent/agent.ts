/**
 * The agent of one host, put together: what is wanted comes in over the bus, what is goes out.
 *
 * Keeps no database. Order of a start: questions can be asked, the server hears of the host, the networks stand, the
 * network plugin is up (`beforeContainers`), and only then are containers touched: dockerd calls the plugin for them.
 * Everything that may have changed unseen (start, Docker back, server's wake without names) leads to a full look.
 */

import { type Clock, systemClock } from '../base/clock.ts';
import type { Config } from '../base/config-schema.ts';
import type { Log } from '../base/log.ts';
import type { Bus } from '../bus/bus.ts';
import type { Engine } from '../docker/engine.ts';
import { dockerHoldings } from '../docker/holdings.ts';
import type { Kernel } from '../host/kernel.ts';
import { type Holdings, joinHoldings } from '../model/holdings.ts';
import { dockerLabels, portIpamDriver } from '../model/host-names.ts';
import { wake } from '../wire/agent.ts';
import { type AgentCniBackend, createCniBackend } from './cni-backend.ts';
import { Containers } from './containers.ts';
import type { HostDataplane } from './dataplane.ts';
import { DefaultGateways } from './default-gateways.ts';
import { serveDiagnostics } from './diagnostics.ts';
import { DockerNetworks } from './docker-networks.ts';
import { Heartbeat } from './heartbeat.ts';
import { serveImages } from './image-calls.ts';
import { Images } from './images.ts';
import { KeptLogs } from './kept-logs/kept-logs.ts';
import { KeptLogsService } from './kept-logs/serve.ts';
import { type AgentKuryrBackend, createKuryrBackend } from './kuryr-backend.ts';
import { busNetworkService } from './network-service.ts';
import { Networks } from './networks.ts';
import { serveQuestions } from './questions.ts';
import { Reporter } from './reporter.ts';
import { Steps } from './steps.ts';
import { Sweep } from './sweep.ts';

export interface AgentOptions {
  /** Connected as this host's agent; closed by its owner after `stop`. */
  readonly bus: Bus;
  readonly engine: Engine;
  readonly dataplane: HostDataplane;
  readonly kernel: Kernel;
  readonly config: {
    readonly agent: Config['agent'];
    readonly containers: Pick<Config['containers'], 'defaultRuntime' | 'keptLogs'>;
  };
  /** Where the ends of logs of deleted containers are kept: a folder for nothing else. */
  readonly keptLogsDir: string;
  /** First digits of the installation's id: marks what is ours on this host. */
  readonly instance: string;
  /** Name of the network driver as dockerd knows it. */
  readonly kuryrName: string;
  /** What Kuryr serves for others than Docker; throws when they cannot be asked. */
  readonly otherHoldings?: () => Promise<Holdings>;
  readonly log: Log;
  readonly clock?: Clock;
  /** Called when the networks stand and before any container is touched: start the network plugin here. */
  readonly beforeContainers?: (backend: AgentKuryrBackend) => Promise<void>;
  /** Called when Docker answers, at first and after it was away. */
  readonly onDockerBack?: () => void;
  readonly timing?: Partial<AgentTiming>;
}

export interface AgentTiming {
  /** A full look at containers and networks at least this often. */
  readonly fullLookMs: number;
  readonly sweepMs: number;
  readonly retryMs: readonly [first: number, last: number];
}

export interface Agent {
  readonly kuryrBackend: AgentKuryrBackend;
  readonly cniBackend: AgentCniBackend;
  /** Work under way is finished and reported; containers go on running. */
  stop(): Promise<void>;
}

const usualTiming: AgentTiming = { fullLookMs: 60_000, sweepMs: 15_000, retryMs: [500, 60_000] };

/** What of an event makes a container worth a look; the others (exec, copies …) change no state. */
const tellingActions = new Set(['start', 'die', 'pause', 'unpause', 'destroy', 'oom']);

export async function startAgent(options: AgentOptions): Promise<Agent> {
  const { bus, log } = options;
  const parts = assemble(options);
  const { networks, containers, heartbeat, sweep, reporter, kuryrBackend, dockerNetworks, keptLogs } = parts;
  const abort = new AbortController();

  serveImages({ bus, engine: options.engine, images: parts.images });
  serveQuestions({ ...options, clock: options.clock ?? systemClock });
  serveDiagnostics({ bus, networks, dataplane: options.dataplane });
  bus.listen(wake, (body, from) => {
    if (from.kind !== 'server') return;
    const isAll = body.containers.length + body.networks.length === 0;
    if (isAll || body.networks.length > 0) networks.wake(body.networks);
    if (isAll || body.containers.length > 0) containers.wake(body.containers);
  });
  heartbeat.wake();
  await networks.start();
  await options.beforeContainers?.(kuryrBackend);
  containers.start();
  sweep.start();
  keptLogs.start();
  const watching = watch(options, abort.signal, {
    onBack: () => {
      dockerNetworks.forgetAll();
      heartbeat.wake();
      networks.wake([]);
      containers.onDockerBack();
      options.onDockerBack?.();
    },
    onLost: () => heartbeat.wake(),
    onEvent: (uuid, at) => containers.onEvent(uuid, at),
  });
  log.info({ instance: options.instance }, 'agent started');

  return {
    kuryrBackend,
    cniBackend: parts.cniBackend,
    stop: async () => {
      abort.abort();
      await Promise.all([watching, sweep.stop(), heartbeat.stop(), containers.stop(), keptLogs.stop()]);
      await networks.stop();
      await reporter.stop();
    },
  };
}

function assemble(options: AgentOptions) {
  const { bus, engine, dataplane, config, instance, kuryrName, log } = options;
  const clock = options.clock ?? systemClock;
  const timing = { ...usualTiming, ...options.timing };
  const reporter = new Reporter(bus, log);
  const dockerNetworks = new DockerNetworks({ engine, instance, driver: kuryrName, log });
  const networks: Networks = new Networks({
    bus,
    dataplane,
    log,
    everyMs: timing.fullLookMs,
    letGo: (id) =>
      dockerNetworks.removeUnless(id, () => networks.find(id) !== undefined || containers.usesNetwork(id)),
  });
  const gateways = new DefaultGateways({
    dataplane,
    findNetwork: (id) => networks.find(id),
    nicsAround: (portId) => containers.nicsAround(portId),
  });
  const images = new Images(engine);
  const keptLogs = new KeptLogs({
    dir: options.keptLogsDir,
    settings: config.containers.keptLogs,
    engine,
    clock,
    log,
  });
  const steps = new Steps({
    engine,
    gateways,
    images,
    keptLogs,
    networks,
    dockerNetworks,
    instance,
    defaultRuntime: config.containers.defaultRuntime,
    parallel: config.agent.parallelOperations,
    log,
  });
  const containers: Containers = new Containers({
    bus,
    engine,
    steps,
    reporter,
    keptLogs,
    instance,
    log,
    clock,
    everyMs: timing.fullLookMs,
    retryMs: timing.retryMs,
  });
  const heartbeat = new Heartbeat({
    bus,
    engine,
    log,
    settings: config.agent,
    everyMs: config.agent.heartbeatSeconds * 1000,
  });
  const sweep = new Sweep({
    bus,
    engine,
    dataplane,
    dockerNetworks,
    instance,
    log,
    clock,
    everyMs: timing.sweepMs,
    graceMs: config.agent.sweepGraceSeconds * 1000,
    isDryRun: config.agent.sweep === 'dry-run',
  });
  const service = busNetworkService(bus);
  const { kernel } = options;
  const kuryrBackend = createKuryrBackend({
    service,
    host: config.agent.host,
    holdings: () => allHoldings(options),
    networks,
    dataplane,
    gateways,
    kernel,
  });
  const cniBackend = createCniBackend({
    service,
    host: config.agent.host,
    dataplane,
    networks,
    kernel: options.kernel,
  });
  return {
    images,
    reporter,
    dockerNetworks,
    networks,
    containers,
    heartbeat,
    sweep,
    keptLogs: new KeptLogsService({ bus, keptLogs, clock, log }),
    kuryrBackend,
    cniBackend,
  };
}

async function allHoldings({ engine, kuryrName, otherHoldings }: AgentOptions): Promise<Holdings> {
  const docker = await dockerHoldings(engine, {
    // Of our own containers, whose ports nobody else releases.
    besidesIpam: portIpamDriver(kuryrName),
  });
  const others = await otherHoldings?.();
  return others ? joinHoldings(docker, others) : docker;
}

interface Watcher {
  onBack(): void;
  onLost(): void;
  onEvent(uuid: string, at: number): void;
}

async function watch(
  { engine, instance, log }: AgentOptions,
  signal: AbortSignal,
  watcher: Watcher,
): Promise<void> {
  for await (const seen of engine.watch({ label: `${dockerLabels.instance}=${instance}`, signal })) {
    if (seen.kind === 'connected') watcher.onBack();
    else if (seen.kind === 'lost') {
      log.warn({ reason: seen.reason }, 'Docker lost');
      watcher.onLost();
    } else if (tellingActions.has(seen.action) || seen.action.startsWith('health_status')) {
      const uuid = seen.labels[dockerLabels.container];
      if (uuid) watcher.onEvent(uuid, seen.at);
    }
  }
}
