/**
 * A host and a server in memory, for tests of the agent: the working model of the Engine, a dataplane that remembers
 * what it was told, and a server that keeps wanted state and applies reports as the real one does where the
 * agent depends on it. `startAgent` and `crash` may be called again and again on the same world.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { silentLog } from '../base/log.ts';
import type { Bus } from '../bus/bus.ts';
import { Switchboard } from '../bus/in-process.ts';
import type { Engine } from '../docker/engine.ts';
import { FakeEngine } from '../docker/fake.ts';
import { FakeKernel } from '../host/fake.ts';
import { plainSpec } from '../model/container.fixture.ts';
import { Failure } from '../model/failure.ts';
import { newUuid } from '../model/ids.ts';
import {
  type ContainerReport,
  heartbeat,
  keptLogs,
  type OperationOutcome,
  type OperationVerb,
  report,
  type WantedContainer,
  wake,
  wantedContainers,
} from '../wire/agent.ts';
import type { CallDefinition, ReplyOf, RequestOf } from '../wire/call.ts';
import { reportPorts, type WantedNetwork, wantedNetworks } from '../wire/host-network.ts';
import { networkServiceRequest } from '../wire/network-service.ts';
import { type Agent, type AgentOptions, startAgent } from './agent.ts';
import type { HostDataplane } from './dataplane.ts';

export const instance = 'abcd';
export const image = 'busybox:latest';

const folder = mkdtempSync(join(tmpdir(), 'berth-agent-'));
after(() => rmSync(folder, { recursive: true }));
let folders = 0;

function newFolder(): string {
  folders += 1;
  return join(folder, String(folders));
}

const host = { kind: 'agent', host: 'h1' } as const;
const server = { kind: 'server' } as const;

export const agentConfig: AgentOptions['config'] = {
  agent: {
    host: 'h1',
    availabilityZone: 'nova',
    labels: { disk: 'ssd' },
    dockerHost: '',
    heartbeatSeconds: 5,
    parallelOperations: 4,
    sweep: 'on',
    sweepGraceSeconds: 0,
  },
  containers: {
    defaultRuntime: 'runc',
    keptLogs: { days: 7, bytesPerContainer: 65_536, bytesPerHost: 1_048_576 },
  },
};

export class FakeDataplane implements HostDataplane {
  readonly networks = new Set<string>();
  readonly plugged = new Map<string, string>();
  readonly sweeps: { networks: readonly string[]; routers: readonly string[] }[] = [];
  /** By process id. */
  readonly defaultRoutes = new Map<number, Parameters<HostDataplane['setDefaultRoutes']>[1]>();
  readonly resolverWays = new Map<number, Parameters<HostDataplane['setResolverWays']>[1]>();
  failNext: Error | undefined;

  async converge(wanted: Parameters<HostDataplane['converge']>[0]): Promise<void> {
    const network = 'read' in wanted ? await wanted.read() : wanted;
    if (this.failNext) {
      const error = this.failNext;
      this.failNext = undefined;
      throw error;
    }
    if (network) this.networks.add(wanted.id);
    else this.networks.delete(wanted.id);
  }

  repair(wanted: Parameters<HostDataplane['converge']>[0]): Promise<void> {
    return this.converge(wanted);
  }

  async plug(
    wanted: Parameters<HostDataplane['plug']>[0],
    endpoint: Parameters<HostDataplane['plug']>[1],
  ): Promise<{ linkName: string }> {
    await this.converge(wanted);
    this.plugged.set(endpoint.portId, endpoint.endpointId);
    return { linkName: `c${endpoint.portId.slice(0, 8)}` };
  }

  async unplug({ portId, endpointId }: Parameters<HostDataplane['unplug']>[0]): Promise<void> {
    if (endpointId === undefined || this.plugged.get(portId) === endpointId) this.plugged.delete(portId);
  }

  async extrasOf() {
    return { hostPorts: [], missing: [] };
  }

  async activePorts() {
    return [...this.plugged].map(([portId, endpointId]) => ({
      portId,
      endpointId,
      netns: '',
      link: '',
      isTaken: true,
    }));
  }

  async examine(): Promise<[]> {
    return [];
  }

  async setDefaultRoutes(...[pid, routes]: Parameters<HostDataplane['setDefaultRoutes']>): Promise<void> {
    this.defaultRoutes.set(pid, routes);
  }

  async setResolverWays(...[pid, ways]: Parameters<HostDataplane['setResolverWays']>): Promise<void> {
    this.resolverWays.set(pid, ways);
  }

  async sweep(networks: readonly string[], routers: readonly string[]): Promise<string[]> {
    this.sweeps.push({ networks, routers });
    const unwanted = [...this.networks].filter((id) => !networks.includes(id));
    for (const id of unwanted) this.networks.delete(id);
    return unwanted;
  }
}

/** What the server knows of one container. */
interface Row {
  wanted: WantedContainer;
  report: ContainerReport | undefined;
  outcomes: OperationOutcome[];
}

export class FakeServer {
  readonly rows = new Map<string, Row>();
  readonly networks = new Map<string, WantedNetwork>();
  readonly ports = new Map<string, 'active' | 'down'>();
  readonly beats: RequestOf<typeof heartbeat>[] = [];
  readonly gone: string[] = [];
  /** What the agent said of deleted containers' logs, by container. */
  readonly logsLeft = new Map<string, OperationOutcome['logs']>();
  /** The lists of kept logs that it sent. */
  readonly kept: (readonly string[])[] = [];
  readonly unwantedLogs = new Set<string>();
  /** Calls that fail as an absent server does. */
  isDown = false;
  /** Reports about this container are refused. */
  refuses: string | undefined;
  readonly #bus: Bus;

  constructor(bus: Bus) {
    this.#bus = bus;
    const up = () => {
      if (this.isDown) throw new Failure('unavailable', 'the server is away');
    };
    bus.serve(wantedContainers, async ({ uuids }) => {
      up();
      const all = [...this.rows.values()].map(({ wanted }) => wanted);
      return { containers: all.filter(({ uuid }) => !uuids || uuids.includes(uuid)) };
    });
    bus.serve(wantedNetworks, async ({ ids }) => {
      up();
      return { networks: [...this.networks.values()].filter(({ id }) => !ids || ids.includes(id)) };
    });
    bus.serve(report, async (message) => {
      up();
      this.#apply(message);
      return {};
    });
    bus.serve(keptLogs, async ({ uuids }) => {
      up();
      this.kept.push(uuids);
      return { unwanted: uuids.filter((uuid) => this.unwantedLogs.has(uuid)) };
    });
    bus.serve(reportPorts, async ({ active, down }) => {
      up();
      for (const id of active) this.ports.set(id, 'active');
      for (const id of down) this.ports.set(id, 'down');
      return {};
    });
    bus.serve(heartbeat, async (beat) => {
      up();
      this.beats.push(beat);
      return {};
    });
    bus.serve(networkServiceRequest, async (request) => {
      up();
      return { result: request.method === 'list' ? [] : { id: request.id ?? '' } };
    });
  }

  row(uuid: string): Row {
    const row = this.rows.get(uuid);
    if (!row) throw new Error(`no container ${uuid}`);
    return row;
  }

  wake(what: { containers?: string[]; networks?: string[] } = {}): void {
    this.#bus.notify(host, wake, { containers: what.containers ?? [], networks: what.networks ?? [] });
  }

  /** Writes an operation and the power that goes with it, then wakes the agent; returns the operation's id. */
  ask(
    uuid: string,
    verb: OperationVerb,
    more: Partial<WantedContainer> & { timeoutSeconds?: number } = {},
  ): string {
    const { timeoutSeconds, ...change } = more;
    const id = newUuid();
    const { wanted } = this.row(uuid);
    const operation = { id, verb, ...(timeoutSeconds !== undefined && { timeoutSeconds }) };
    this.row(uuid).wanted = { ...wanted, ...change, operations: [...wanted.operations, operation] };
    this.wake({ containers: [uuid] });
    return id;
  }

  /** Asks the agent. */
  call<C extends CallDefinition>(call: C, request: RequestOf<C>): Promise<ReplyOf<C>> {
    return this.#bus.call(host, call, request);
  }

  /** The outcome that ended the operation. */
  outcomeOf(uuid: string, operation: string): OperationOutcome | undefined {
    return this.rows
      .get(uuid)
      ?.outcomes.find((one) => one.operation === operation && one.result !== 'progress');
  }

  #apply(message: RequestOf<typeof report>): void {
    const uuids = [...message.containers.map(({ uuid }) => uuid), ...message.gone];
    if (this.refuses && uuids.includes(this.refuses)) throw new Failure('conflict', 'not yours');
    for (const one of message.containers) {
      const row = this.rows.get(one.uuid);
      if (!row) continue;
      row.report = one;
      if (one.state !== 'missing') row.wanted = { ...row.wanted, wasCreated: true };
    }
    for (const outcome of message.outcomes) {
      const row = this.rows.get(outcome.container);
      if (!row) continue;
      row.outcomes.push(outcome);
      if (outcome.logs) this.logsLeft.set(outcome.container, outcome.logs);
      if (outcome.result === 'progress') continue;
      const operations = row.wanted.operations.filter(({ id }) => id !== outcome.operation);
      const verb = row.wanted.operations.find(({ id }) => id === outcome.operation)?.verb;
      row.wanted = { ...row.wanted, operations };
      if (verb === 'create' && outcome.result === 'error' && row.report?.state === 'missing') {
        row.wanted = { ...row.wanted, wasCreated: false };
      }
    }
    for (const uuid of message.gone) {
      this.gone.push(uuid);
      this.rows.delete(uuid);
    }
  }
}

/** With the fakes, unless real ones are given: the server stays a model. */
export class World<E extends Engine = FakeEngine, D extends HostDataplane = FakeDataplane> {
  readonly engine: E;
  readonly dataplane: D;
  readonly #board = new Switchboard(silentLog());
  readonly server = new FakeServer(this.#board.connect(server));
  readonly keptLogsDir = newFolder();
  #bus: Bus | undefined;
  agent: Agent | undefined;

  constructor(parts: { readonly engine: E; readonly dataplane: D }) {
    this.engine = parts.engine;
    this.dataplane = parts.dataplane;
  }

  async start(more: Partial<AgentOptions> = {}): Promise<Agent> {
    this.#bus = this.#board.connect(host);
    this.agent = await startAgent({
      bus: this.#bus,
      engine: this.engine,
      dataplane: this.dataplane,
      kernel: new FakeKernel(),
      config: agentConfig,
      keptLogsDir: this.keptLogsDir,
      instance,
      kuryrName: 'kuryr',
      log: silentLog(),
      timing: { fullLookMs: 60_000, sweepMs: 60_000, retryMs: [5, 50] },
      ...more,
    });
    return this.agent;
  }

  async stop(): Promise<void> {
    await this.agent?.stop();
    await this.#bus?.close();
    this.agent = undefined;
  }

  addNetwork(more: Partial<WantedNetwork> = {}): WantedNetwork {
    const id = more.id ?? newUuid();
    const network: WantedNetwork = {
      id,
      projectId: 'p1',
      name: 'net',
      adminStateUp: true,
      external: false,
      mtu: 1450,
      segmentationId: 7,
      subnets: [
        {
          id: newUuid(),
          ipVersion: 4,
          cidr: '10.0.0.0/24',
          gatewayIp: '10.0.0.1',
          dnsNameservers: ['9.9.9.9'],
          hostRoutes: [],
        },
      ],
      ports: [],
      securityGroups: [],
      remoteGroups: [],
      routers: [],
      dnsDomain: '',
      names: [],
      ...more,
    };
    this.server.networks.set(id, network);
    return network;
  }

  /** A container with one port on each network, not yet asked to be created. */
  addContainer(
    networks: readonly WantedNetwork[],
    more: { spec?: Partial<WantedContainer['spec']>; power?: WantedContainer['power'] } = {},
  ): string {
    const uuid = newUuid();
    const nics = networks.map(({ id }, position) => this.addPort(id, uuid, position));
    const wanted = wantedContainer({ uuid, nics, power: more.power ?? 'running', spec: more.spec ?? {} });
    this.server.rows.set(uuid, { wanted, report: undefined, outcomes: [] });
    return uuid;
  }

  addPort(networkId: string, deviceId: string, position = 0): WantedContainer['nics'][number] {
    const network = this.server.networks.get(networkId);
    if (!network) throw new Error(`no network ${networkId}`);
    const index = network.ports.length + 2;
    const networkIndex = [...this.server.networks.keys()].indexOf(networkId);
    const fixedIps = network.subnets.map(({ id, ipVersion, cidr }) => ({
      address: cidr.replace(/[^.:]*\/\d+$/, String(index)),
      subnetId: id,
      version: ipVersion,
    }));
    const port = {
      id: newUuid(),
      macAddress: `fa:16:3e:00:${hex(networkIndex)}:${hex(index)}`,
      adminStateUp: true,
      fixedIps,
      portSecurityEnabled: true,
      securityGroupIds: network.securityGroups.map(({ id }) => id),
      allowedAddressPairs: [],
      deviceOwner: 'compute:berth',
      deviceId,
      bandwidth: { egress: null, ingress: null },
    };
    this.server.networks.set(networkId, { ...network, ports: [...network.ports, port] });
    return {
      index: position,
      networkId,
      portId: port.id,
      macAddress: port.macAddress,
      fixedIps,
      preserveOnDelete: false,
    };
  }
}

const hex = (n: number) => n.toString(16).padStart(2, '0');

export function fakeWorld(): World {
  const engine = new FakeEngine();
  engine.images.add(image);
  return new World({ engine, dataplane: new FakeDataplane() });
}

/** All that is on the host besides images. */
export function leftoversOf({ engine, dataplane }: World): string[] {
  return [
    ...[...engine.containers.values()].map(({ name }) => name),
    ...engine.networks.keys(),
    ...[...dataplane.networks].map((id) => `namespace of ${id}`),
    ...[...dataplane.plugged.keys()].map((id) => `pair of ${id}`),
  ];
}

export function wantedContainer(
  more: Partial<Omit<WantedContainer, 'spec'>> & { spec?: Partial<WantedContainer['spec']> } = {},
): WantedContainer {
  const { spec, ...rest } = more;
  return {
    uuid: '11111111-1111-4111-8111-111111111111',
    name: 'web',
    projectId: 'p1',
    revision: 1,
    nics: [],
    power: 'running',
    operations: [],
    wasCreated: false,
    ...rest,
    spec: {
      ...plainSpec,
      image,
      command: [],
      ...spec,
    },
  };
}
