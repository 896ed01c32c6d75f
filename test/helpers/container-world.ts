/**
 * The container service on an in-memory database with a model of the network service and one of the agent.
 *
 * `crash()` drops the control as a crash would (nothing is stopped in order, nothing is finished) and builds a new
 * one on the same database.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadConfig } from '../../src/base/config.ts';
import type { Config } from '../../src/base/config-schema.ts';
import { silentLog } from '../../src/base/log.ts';
import type { Bus } from '../../src/bus/bus.ts';
import { Switchboard } from '../../src/bus/in-process.ts';
import { BusWaker } from '../../src/control/bus-waker.ts';
import {
  type ContainerControl,
  type ContainerControlOptions,
  createContainerControl,
} from '../../src/control/container/control.ts';
import type { CreateAsk } from '../../src/control/container/create.ts';
import { Secrets } from '../../src/control/secrets.ts';
import type { Caller } from '../../src/model/caller.ts';
import { plainSpec } from '../../src/model/container.fixture.ts';
import type { ContainerSpec } from '../../src/model/container.ts';
import type { Container } from '../../src/model/container-record.ts';
import { findContainer } from '../../src/store/container/containers.ts';
import { type Db, openDatabase } from '../../src/store/database.ts';
import type { HostReport } from '../../src/wire/agent.ts';
import { HandClock } from './clock.ts';
import { FakeAgent } from './fake-agent.ts';
import { FakeNetworking } from './fake-networking.ts';
import { Life } from './life.ts';

export function callerOf(projectId: string, isAdmin = false): Caller {
  return {
    requestId: `req-${crypto.randomUUID()}`,
    userId: `user-of-${projectId}`,
    userName: projectId,
    userDomainId: 'default',
    projectId,
    projectName: projectId,
    projectDomainId: 'default',
    roles: isAdmin ? ['admin'] : ['member'],
    isAdmin,
  };
}

export function createAsk(changes: Partial<CreateAsk> = {}, spec: Partial<ContainerSpec> = {}): CreateAsk {
  const whole = { ...plainSpec, ...spec };
  return {
    name: null,
    run: true,
    resources: { cpu: whole.cpu, memoryMiB: whole.memoryMiB, diskGiB: whole.diskGiB },
    nets: [],
    securityGroups: null,
    availabilityZone: null,
    host: null,
    registry: null,
    hostLabels: {},
    admit: () => undefined,
    compile: () => whole,
    ...changes,
  };
}

export interface World {
  readonly db: Db;
  readonly config: Config;
  readonly clock: HandClock;
  readonly networking: FakeNetworking;
  readonly board: Switchboard;
  readonly control: ContainerControl;
  readonly user: Caller;
  readonly admin: Caller;
  readonly agent: FakeAgent;
  /** That of the control there is now. */
  readonly life: Life;
  connect(host: string, report?: Partial<HostReport>): Promise<FakeAgent>;
  crash(): Promise<void>;
  /** Creates, and waits until the agent has made it. */
  make(changes?: Partial<CreateAsk>, spec?: Partial<ContainerSpec>): Promise<Container>;
  row(uuid: string): Promise<Container | undefined>;
  until<T>(what: string, probe: () => Promise<T | undefined | false>): Promise<T>;
  close(): Promise<void>;
}

/** What a test may put in place of the usual. */
export type WorldParts = Partial<Pick<ContainerControlOptions, 'policy' | 'findSubject' | 'standingOf'>>;

export async function createWorld(
  overrides: Record<string, unknown> = {},
  parts: WorldParts = {},
): Promise<World> {
  const config = loadConfig({ env: {}, overrides });
  const db = await openDatabase(':memory:');
  const clock = new HandClock();
  const networking = new FakeNetworking();
  const board = new Switchboard(silentLog());
  const secrets = new Secrets(randomBytes(32));
  const [user, admin] = [callerOf('project-a'), callerOf('project-admin', true)];
  let bus: Bus;
  let control: ContainerControl;
  let life: Life;

  function build(): void {
    bus = board.connect({ kind: 'server' });
    life = new Life();
    const waker = life.waker(new BusWaker(bus));
    control = createContainerControl({
      db: life.database(db),
      bus,
      networking: life.service(networking),
      waker,
      config,
      clock,
      log: silentLog(),
      secrets,
      ...parts,
    });
    control.serve();
  }

  async function connect(host: string, report: Partial<HostReport> = {}): Promise<FakeAgent> {
    const agent = new FakeAgent(board.connect({ kind: 'agent', host }), report);
    await agent.beat();
    return agent;
  }

  async function until<T>(what: string, probe: () => Promise<T | undefined | false>): Promise<T> {
    const deadline = performance.now() + 10_000;
    while (performance.now() < deadline) {
      const found = await probe();
      if (found !== undefined && found !== false) return found;
      await sleep(2);
    }
    throw new Error(`never happened: ${what}`);
  }

  build();
  const agent = await connect('host-1');
  return {
    db,
    config,
    clock,
    networking,
    board,
    user,
    admin,
    agent,
    get control() {
      return control;
    },
    get life() {
      return life;
    },
    connect,
    async crash() {
      const dead = control;
      // It may be waiting for something that never comes: nobody waits for it.
      void dead.stop();
      await bus.close();
      networking.crashAt = null;
      build();
      control.start();
    },
    async make(changes, spec) {
      const { uuid } = await control.create(user, createAsk(changes, spec));
      return until(`container ${uuid} settles`, async () => {
        const now = await findContainer(db, uuid);
        return now && now.status !== 'Creating' && now;
      });
    },
    row: (uuid) => findContainer(db, uuid),
    until,
    async close() {
      await control.stop();
      await agent.idle();
      await bus.close();
      await db.destroy();
    },
  };
}
