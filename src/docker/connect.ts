/** The Engine over its unix socket. Contract: ./engine.ts; how a request travels: ./socket.ts. */
import type { Readable } from 'node:stream';
import { Failure, isFailure } from '../model/failure.ts';
import { getArchive, putArchive } from './archives.ts';
import { attachTo, execResult, hangUpExec, startExec } from './conversations.ts';
import type {
  ContainerBody,
  Conversation,
  EndpointBody,
  Engine,
  EngineContainer,
  EngineContainerSummary,
  EngineImage,
  EngineInfo,
  EngineNetwork,
  EngineNetworkEndpoint,
  EngineSignal,
  EngineStats,
  ExecOptions,
  ExecuteOptions,
  LabelFilter,
  LogOptions,
  NetworkBody,
  PullOptions,
  RegistryLogIn,
  ResourcesBody,
  TerminalSize,
} from './engine.ts';
import { createExec } from './execs.ts';
import { executeIn } from './execute.ts';
import { argumentFailure, statusOf } from './failures.ts';
import { followLogs } from './follow.ts';
import { type Frame, readOutput } from './frames.ts';
import { findImage, pullImage, removeImage, searchImages, testRegistry } from './images.ts';
import { logEntries } from './log-entries.ts';
import { EngineSocket, socketPathOf } from './socket.ts';
import { resizeContainer, resizeExec } from './terminals.ts';
import * as translate from './translate.ts';
import { watchEngine } from './watch.ts';

const logLimitBytes = 8 * 1024 * 1024;
/** Starting waits for the network driver and the runtime. */
const startDeadlineMs = 120_000;

/** `dockerHost` as DOCKER_HOST has it; empty = the usual socket. Connects with the first call. */
export function connectEngine(options: { readonly dockerHost: string }): Engine {
  return new DockerEngine(new EngineSocket(socketPathOf(options.dockerHost)));
}

class DockerEngine implements Engine {
  readonly #socket: EngineSocket;

  constructor(socket: EngineSocket) {
    this.#socket = socket;
  }

  async ping(deadlineMs: number): Promise<void> {
    await this.#socket.request('ping', { method: 'GET', path: ['_ping'], deadlineMs });
  }

  async info(): Promise<EngineInfo> {
    return translate.toInfo(await this.#socket.request('info', { method: 'GET', path: ['info'] }));
  }

  async hasImage(reference: string): Promise<boolean> {
    return (await findImage(this.#socket, reference)) !== undefined;
  }

  pullImage(reference: string, options: PullOptions = {}): Promise<void> {
    return pullImage(this.#socket, reference, options);
  }

  findImage(reference: string): Promise<EngineImage | undefined> {
    return findImage(this.#socket, reference);
  }

  removeImage(reference: string): Promise<void> {
    return removeImage(this.#socket, reference);
  }

  searchImages(term: string) {
    return searchImages(this.#socket, term);
  }

  testRegistry(domain: string, logIn?: RegistryLogIn): Promise<string | null> {
    return testRegistry(this.#socket, domain, logIn);
  }

  async createContainer(name: string, body: ContainerBody): Promise<string> {
    const request = { method: 'POST', path: ['containers', 'create'], query: { name }, body } as const;
    const { Id } = await this.#socket.request<{ Id: string }>(`create container ${name}`, request);
    return Id;
  }

  async findContainer(idOrName: string): Promise<EngineContainer | undefined> {
    const path = ['containers', idOrName, 'json'];
    const answer = await this.#find<translate.ContainerAnswer>('inspect container', path);
    return answer && translate.toContainer(answer);
  }

  async listContainers(label: LabelFilter): Promise<EngineContainerSummary[]> {
    const query = { all: true, filters: JSON.stringify({ label: [label] }) };
    const answers = await this.#socket.request<translate.ContainerSummaryAnswer[]>('list containers', {
      method: 'GET',
      path: ['containers', 'json'],
      query,
    });
    return answers.map(translate.toSummary);
  }

  startContainer(id: string): Promise<void> {
    return this.#act(id, 'start', { deadlineMs: startDeadlineMs });
  }

  stopContainer(id: string, timeoutSeconds?: number): Promise<void> {
    return this.#act(id, 'stop', patience(timeoutSeconds));
  }

  restartContainer(id: string, timeoutSeconds?: number): Promise<void> {
    return this.#act(id, 'restart', patience(timeoutSeconds));
  }

  async killContainer(id: string, signal = 'SIGKILL'): Promise<void> {
    try {
      await this.#act(id, 'kill', { query: { signal } });
    } catch (error) {
      if (isFailure(error, 'conflict') && /is not running/.test(error.message)) return;
      throw error;
    }
  }

  pauseContainer(id: string): Promise<void> {
    return this.#act(id, 'pause');
  }

  unpauseContainer(id: string): Promise<void> {
    return this.#act(id, 'unpause');
  }

  updateContainer(id: string, resources: ResourcesBody): Promise<void> {
    return this.#act(id, 'update', { body: resources });
  }

  async removeContainer(id: string): Promise<void> {
    const query = { force: true, v: true };
    try {
      const path = ['containers', id];
      await this.#socket.request(`remove container ${id}`, { method: 'DELETE', path, query, alsoOk: [404] });
    } catch (error) {
      if (!isFailure(error, 'conflict') || !/already in progress/.test(error.message)) throw error;
      await this.#act(id, 'wait', { query: { condition: 'removed' }, alsoOk: [404] });
    }
  }

  putArchive(id: string, path: string, tar: Buffer | Readable): Promise<void> {
    return putArchive(this.#socket, id, path, tar);
  }

  getArchive(id: string, path: string) {
    return getArchive(this.#socket, id, path);
  }

  resizeContainer(id: string, size: TerminalSize): Promise<void> {
    return resizeContainer(this.#socket, id, size);
  }

  resizeExec(id: string, execId: string, size: TerminalSize): Promise<void> {
    return resizeExec(this.#socket, id, execId, size);
  }

  async followLogs(id: string, options: LogOptions): Promise<Readable> {
    const container = await this.findContainer(id);
    if (!container) throw new Failure('container-not-found', `No such container: ${id}`);
    return followLogs(this.#socket, container, options);
  }

  async logs(id: string, options: LogOptions): Promise<string> {
    const container = await this.findContainer(id);
    if (!container) throw new Failure('container-not-found', `No such container: ${id}`);
    const { stdout, stderr, timestamps, tail, since } = options;
    const query = { stdout, stderr, timestamps, tail: tail ?? 'all', since: since ?? 0 };
    const path = ['containers', container.id, 'logs'];
    const stream = await this.#socket.stream(`logs of ${id}`, { method: 'GET', path, query });
    return readOutput(stream, { isRaw: container.tty, limit: logLimitBytes });
  }

  async logEntries(
    id: string,
    options: { readonly most: number; readonly deadlineMs: number },
  ): Promise<AsyncGenerator<Frame>> {
    const container = await this.findContainer(id);
    if (!container) throw new Failure('container-not-found', `No such container: ${id}`);
    return logEntries(this.#socket, container, options);
  }

  execute(id: string, command: readonly string[], options: ExecuteOptions) {
    return executeIn(this.#socket, id, command, options);
  }

  async attach(id: string): Promise<Conversation> {
    const container = await this.findContainer(id);
    if (!container) throw new Failure('container-not-found', `No such container: ${id}`);
    return attachTo(this.#socket, container);
  }

  createExec(
    id: string,
    command: readonly string[],
    options: ExecOptions & { readonly interactive: boolean },
  ): Promise<string> {
    return createExec(this.#socket, id, command, options);
  }

  startExec(id: string, execId: string): Promise<Conversation> {
    return startExec(this.#socket, { containerId: id, execId });
  }

  execResult(id: string, execId: string): Promise<number | null> {
    return execResult(this.#socket, { containerId: id, execId });
  }

  hangUpExec(id: string, execId: string): Promise<void> {
    return hangUpExec(this.#socket, { containerId: id, execId });
  }

  async top(id: string, psArgs: string | null) {
    const query = psArgs === null ? {} : { ps_args: psArgs };
    const path = ['containers', id, 'top'];
    try {
      const answer = await this.#socket.request<{ Titles: string[]; Processes: string[][] }>(`top of ${id}`, {
        method: 'GET',
        path,
        query,
      });
      return { titles: answer.Titles, processes: answer.Processes ?? [] };
    } catch (error) {
      throw psArgs === null ? error : argumentFailure(psArgs, error);
    }
  }

  async stats(id: string): Promise<EngineStats> {
    // Without one-shot the Engine waits a second for a second sample, which nobody here reads.
    const query = { stream: false, 'one-shot': true };
    const path = ['containers', id, 'stats'];
    return translate.toStats(await this.#socket.request(`stats of ${id}`, { method: 'GET', path, query }));
  }

  async createNetwork(body: NetworkBody): Promise<string> {
    const { Id } = await this.#socket.request<{ Id: string }>(`create network ${body.Name}`, {
      method: 'POST',
      path: ['networks', 'create'],
      body: { ...body, CheckDuplicate: true },
      deadlineMs: startDeadlineMs,
    });
    return Id;
  }

  async findNetwork(name: string): Promise<EngineNetwork | undefined> {
    const answer = await this.#find<translate.NetworkAnswer>('inspect network', ['networks', name]);
    return answer && translate.toNetwork(answer);
  }

  async listNetworks(label?: LabelFilter): Promise<EngineNetwork[]> {
    const query: Record<string, string> = label ? { filters: JSON.stringify({ label: [label] }) } : {};
    const request = { method: 'GET', path: ['networks'], query } as const;
    const answers = await this.#socket.request<translate.NetworkAnswer[]>('list networks', request);
    return answers.map(translate.toNetwork);
  }

  async listEndpoints(networkId: string): Promise<EngineNetworkEndpoint[]> {
    const answer = await this.#find<translate.NetworkAnswer>('inspect network', ['networks', networkId]);
    return answer ? translate.toEndpoints(answer) : [];
  }

  async removeNetwork(idOrName: string): Promise<void> {
    const request = { method: 'DELETE', path: ['networks', idOrName], alsoOk: [404] } as const;
    await this.#socket.request(`remove network ${idOrName}`, { ...request, deadlineMs: startDeadlineMs });
  }

  async connectNetwork(network: string, containerId: string, endpoint: EndpointBody): Promise<void> {
    await this.#socket.request(`connect ${containerId} to ${network}`, {
      method: 'POST',
      path: ['networks', network, 'connect'],
      body: { Container: containerId, EndpointConfig: endpoint },
    });
  }

  async disconnectNetwork(network: string, containerId: string): Promise<void> {
    try {
      await this.#socket.request(`disconnect ${containerId} from ${network}`, {
        method: 'POST',
        path: ['networks', network, 'disconnect'],
        body: { Container: containerId, Force: false },
      });
    } catch (error) {
      if (!isFailure(error) || !/is not connected to (?:the )?network/.test(error.message)) throw error;
    }
  }

  watch(options: {
    readonly label?: LabelFilter;
    readonly signal: AbortSignal;
  }): AsyncIterable<EngineSignal> {
    return watchEngine(this.#socket, options);
  }

  close(): void {
    this.#socket.close();
  }

  /** A verb of a container; 304 = it is in that state already. */
  async #act(
    id: string,
    verb: string,
    options: {
      readonly query?: Readonly<Record<string, unknown>>;
      readonly body?: object;
      readonly deadlineMs?: number;
      readonly alsoOk?: readonly number[];
    } = {},
  ): Promise<void> {
    const alsoOk = [304, ...(options.alsoOk ?? [])];
    const request = { method: 'POST', path: ['containers', id, verb], ...options, alsoOk } as const;
    await this.#socket.request(`${verb} container ${id}`, request);
  }

  async #find<T = unknown>(what: string, path: readonly string[]): Promise<T | undefined> {
    try {
      return await this.#socket.request<T>(what, { method: 'GET', path });
    } catch (error) {
      if (isFailure(error) && statusOf(error.cause) === 404) return undefined;
      throw error;
    }
  }
}

/** Waiting for a container to end may take as long as it was given, and then the Engine kills it. */
function patience(timeoutSeconds: number | undefined) {
  return {
    query: timeoutSeconds === undefined ? {} : { t: timeoutSeconds },
    deadlineMs: startDeadlineMs + (timeoutSeconds ?? 10) * 1000,
  };
}
