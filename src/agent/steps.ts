/**
 * Carries out the steps of a plan on one container: small, in order, each repeatable.
 *
 * Whatever was made for a container that did not come to be is removed again. Steps that keep the Engine busy share
 * a bounded number of places; waiting for a registry or for a process to end takes none.
 */
import PQueue from 'p-queue';
import type { Log } from '../base/log.ts';
import type { Engine, EngineContainer } from '../docker/engine.ts';
import type { Nic } from '../model/container.ts';
import { Failure, isFailure } from '../model/failure.ts';
import { dockerContainerName } from '../model/host-names.ts';
import { HostServers } from '../names/host-servers.ts';
import type { WantedContainer } from '../wire/agent.ts';
import { type Connections, noNetwork, planConnections } from './connections.ts';
import { assertPossible, toContainerBody, toEndpoint, toResources } from './container-body.ts';
import type { DefaultGateways } from './default-gateways.ts';
import { dnsOf } from './dns-settings.ts';
import type { DockerNetworks } from './docker-networks.ts';
import { archiveOf } from './files.ts';
import type { Images } from './images.ts';
import type { KeptLogs } from './kept-logs/kept-logs.ts';
import type { Networks } from './networks.ts';
import type { Step } from './plan.ts';

export interface StepsOptions {
  readonly engine: Engine;
  readonly images: Images;
  readonly networks: Networks;
  readonly dockerNetworks: DockerNetworks;
  readonly gateways: DefaultGateways;
  readonly keptLogs: KeptLogs;
  readonly instance: string;
  readonly defaultRuntime: string;
  readonly parallel: number;
  readonly log: Log;
}

/** Called when a step turns out to take a while, with Zun's name for what is going on. */
export type TellTask = (taskState: string) => void;

export class Steps {
  readonly #options: StepsOptions;
  readonly #hostServers = new HostServers();
  readonly #places: PQueue;

  constructor(options: StepsOptions) {
    this.#options = options;
    this.#places = new PQueue({ concurrency: options.parallel });
  }

  async run(step: Step, wanted: WantedContainer, tell: TellTask): Promise<void> {
    const { engine, images } = this.#options;
    const name = dockerContainerName(wanted.uuid);
    switch (step.do) {
      case 'pull':
        return images.ensure(wanted, () => tell('image_pulling'));
      case 'prepare':
        return this.#prepare(wanted, tell);
      case 'start':
        tell('container_starting');
        return this.#start(wanted);
      case 'stop':
        return engine.stopContainer(name, step.timeoutSeconds);
      case 'restart':
        return this.#joining(wanted, () => engine.restartContainer(name, step.timeoutSeconds));
      case 'kill':
        return engine.killContainer(name, step.signal);
      case 'pause':
        return engine.pauseContainer(name);
      case 'unpause':
        return engine.unpauseContainer(name);
      case 'update':
        return engine.updateContainer(name, toResources(wanted));
      case 'connect':
        return this.#reconnect(wanted);
      case 'keep-logs':
        return this.#options.keptLogs.keep(wanted);
      case 'remove':
        return this.#places.add(() => engine.removeContainer(name));
      case 'refuse':
        throw new Failure('conflict', step.reason);
    }
  }

  async #prepare(wanted: WantedContainer, tell: TellTask): Promise<void> {
    const { engine, images, instance, defaultRuntime, dockerNetworks, networks } = this.#options;
    assertPossible(wanted);
    const files = wanted.spec.files.length > 0 ? await archiveOf(wanted.spec.files) : undefined;
    await images.ensure(wanted, () => tell('image_pulling'));
    tell('container_creating');
    await this.#places.add(async () => {
      await this.#ensureNetworks(wanted);
      const body = toContainerBody(wanted, {
        instance,
        defaultRuntime,
        networkName: (nic) => dockerNetworks.nameOf(nic),
        dns: dnsOf(wanted.nics, (id) => networks.find(id), this.#hostServers.list()),
      });
      const name = dockerContainerName(wanted.uuid);
      const id = await createOrFind(engine, name, body);
      if (wanted.nics.length > 1) await this.#connect(wanted, id);
      if (files) await engine.putArchive(id, '/', files);
    });
  }

  /** What of the wanted networks Docker does not have of the container, and what it has besides. */
  connectionsOf({ nics }: WantedContainer, { endpoints }: Pick<EngineContainer, 'endpoints'>): Connections {
    const { dockerNetworks } = this.#options;
    return planConnections(nics, endpoints, {
      nameOf: (nic) => dockerNetworks.nameOf(nic),
      isOurs: (network) => dockerNetworks.isOurs(network),
    });
  }

  /** Default routes that Docker does not set by itself; nothing when the container does not run. */
  async settleRoutes({ nics }: WantedContainer, { pid }: Pick<EngineContainer, 'pid'>): Promise<void> {
    const { gateways } = this.#options;
    if (pid > 0 && !gateways.isDocker(nics)) await gateways.settle(pid, nics);
  }

  async #reconnect(wanted: WantedContainer): Promise<void> {
    assertPossible(wanted);
    await this.#ensureNetworks(wanted);
    const name = dockerContainerName(wanted.uuid);
    await this.#places.add(() => this.#connect(wanted, name));
  }

  /** A container that is there comes to be on the wanted networks, and on no others of ours. */
  async #connect(wanted: WantedContainer, idOrName: string): Promise<void> {
    const { engine, gateways } = this.#options;
    const container = await engine.findContainer(idOrName);
    if (!container) return;
    const { id, pid } = container;
    const { leave, join, joinsNone } = this.connectionsOf(wanted, container);
    for (const network of leave) await engine.disconnectNetwork(network, id);
    for (const nic of join) await this.#join(nic, container);
    if (joinsNone) await engine.connectNetwork(noNetwork, id, { IPAMConfig: {}, DriverOpts: {} });
    if (pid > 0) await gateways.settle(pid, wanted.nics);
  }

  #join(nic: Nic, { id, pid }: EngineContainer): Promise<void> {
    const { engine, dockerNetworks, gateways } = this.#options;
    const connect = () => engine.connectNetwork(dockerNetworks.nameOf(nic), id, toEndpoint(nic));
    return pid > 0 ? gateways.joinRunning(nic.portId, connect) : connect();
  }

  #start(wanted: WantedContainer): Promise<void> {
    const name = dockerContainerName(wanted.uuid);
    return this.#places.add(() => this.#joining(wanted, () => this.#options.engine.startContainer(name)));
  }

  /** Work in which the container joins its networks; when Docker lost one behind our back, it is made again. */
  async #joining(wanted: WantedContainer, work: () => Promise<void>): Promise<void> {
    await this.#ensureNetworks(wanted);
    try {
      await work();
    } catch (error) {
      if (!isFailure(error, 'docker-error') || !/network \S+ not found/i.test(error.message)) throw error;
      this.#options.dockerNetworks.forgetAll();
      await this.#ensureNetworks(wanted);
      await work();
    }
  }

  async #ensureNetworks({ nics }: WantedContainer): Promise<void> {
    const { networks, dockerNetworks } = this.#options;
    for (const nic of nics)
      await dockerNetworks.ensure(await networks.withPort(nic.networkId, nic.portId), nic);
  }
}

/** A name that is taken is a container that we made before a crash: nobody else uses such names. */
async function createOrFind(
  engine: Engine,
  name: string,
  body: Parameters<Engine['createContainer']>[1],
): Promise<string> {
  try {
    return await engine.createContainer(name, body);
  } catch (error) {
    const there: EngineContainer | undefined = isFailure(error, 'conflict')
      ? await engine.findContainer(name)
      : undefined;
    if (there) return there.id;
    throw error;
  }
}
