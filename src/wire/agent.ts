/**
 * The protocol between the server and the agent of a host.
 *
 * Wanted state, not commands (design, decision 2). The server's notice `wake` only says where to look; the agent
 * asks `wantedContainers` and `wantedNetworks`, compares with the Engine and the kernel, converges, and reports
 * what is. Verbs such as start or reboot are *operations*: they wait in the store, in order, until the agent
 * reports their outcome, so a crash on either side repeats them rather than losing them. Executing an operation
 * twice must therefore do no harm.
 *
 * Only what is inherently a question is a call to the agent (logs, exec, top, stats).
 */
import Type, { type Static } from 'typebox';
import { engineStates, type OperationVerb, operationVerbs, powers } from '../model/container.ts';
import { ulimitNames } from '../model/container-options.ts';
import { defineCall, defineNotice } from './call.ts';
import { Enum, Nullable, StringMap, Strings } from './shapes.ts';

export const FixedIpShape = Type.Object({
  address: Type.String(),
  subnetId: Type.String(),
  version: Type.Union([Type.Literal(4), Type.Literal(6)]),
});

export const NicShape = Type.Object({
  /** Which of the container's networks. */
  index: Type.Number(),
  networkId: Type.String(),
  portId: Type.String(),
  macAddress: Type.String(),
  fixedIps: Type.Array(FixedIpShape),
  preserveOnDelete: Type.Boolean(),
  /** Its gateway was asked for as the container's default one. */
  defaultGateway: Type.Optional(Type.Boolean()),
});

/** What is absent is the Engine's own choice. */
export const ContainerOptionsShape = Type.Object({
  cpuLimit: Type.Optional(Type.Number()),
  pidsLimit: Type.Optional(Type.Number()),
  ulimits: Type.Optional(
    Type.Array(Type.Object({ name: Enum(ulimitNames), soft: Type.Number(), hard: Type.Number() })),
  ),
  shmSizeMiB: Type.Optional(Type.Number()),
  tmpfs: Type.Optional(Type.Record(Type.String(), Nullable(Type.Number()))),
  readOnly: Type.Optional(Type.Boolean()),
  user: Type.Optional(Type.String()),
  capAdd: Type.Optional(Strings),
  capDrop: Type.Optional(Strings),
  sysctls: Type.Optional(StringMap),
  extraHosts: Type.Optional(StringMap),
  dns: Type.Optional(Strings),
  dnsSearch: Type.Optional(Strings),
  stopSignal: Type.Optional(Type.String()),
  stopGraceSeconds: Type.Optional(Type.Number()),
  init: Type.Optional(Type.Boolean()),
});

export const ContainerSpecShape = Type.Object({
  image: Type.String(),
  imageDriver: Enum(['docker', 'glance'] as const),
  pullPolicy: Enum(['always', 'ifnotpresent', 'never'] as const),
  command: Strings,
  entrypoint: Strings,
  cpu: Type.Number(),
  cpuPolicy: Enum(['shared', 'dedicated'] as const),
  memoryMiB: Type.Number(),
  diskGiB: Type.Number(),
  workdir: Nullable(Type.String()),
  environment: StringMap,
  labels: StringMap,
  hostname: Nullable(Type.String()),
  interactive: Type.Boolean(),
  tty: Type.Boolean(),
  autoRemove: Type.Boolean(),
  autoHeal: Type.Boolean(),
  runtime: Nullable(Type.String()),
  privileged: Type.Boolean(),
  restartPolicy: Nullable(
    Type.Object({
      name: Enum(['no', 'always', 'on-failure', 'unless-stopped'] as const),
      maximumRetryCount: Type.Number(),
    }),
  ),
  healthcheck: Nullable(
    Type.Object({
      test: Type.String(),
      intervalSeconds: Type.Number(),
      timeoutSeconds: Type.Number(),
      retries: Type.Number(),
    }),
  ),
  files: Type.Array(Type.Object({ destination: Type.String(), contentBase64: Type.String() })),
  exposedPorts: Type.Array(Type.Object({ port: Type.Number(), protocol: Enum(['tcp', 'udp'] as const) })),
  options: Type.Optional(ContainerOptionsShape),
});

export { type OperationVerb, operationVerbs };

export const OperationShape = Type.Object({
  /** Names the operation in reports; unique. */
  id: Type.String(),
  verb: Enum(operationVerbs),
  /** stop, reboot: seconds before SIGKILL; absent = the Engine's default of 10 s. */
  timeoutSeconds: Type.Optional(Type.Number()),
  /** kill: a signal's name or number; absent = SIGKILL. */
  signal: Type.Optional(Type.String()),
});
export type Operation = Static<typeof OperationShape>;

/** For pulls of the images of one registry. */
export const LogInShape = Type.Object({
  domain: Type.String(),
  username: Type.String(),
  password: Type.String(),
});

export const WantedContainerShape = Type.Object({
  uuid: Type.String(),
  name: Type.String(),
  projectId: Type.String(),
  /** Grows with every change of `spec` or `nics`. */
  revision: Type.Number(),
  spec: ContainerSpecShape,
  nics: Type.Array(NicShape),
  power: Enum(powers),
  /** Not yet reported as done, oldest first. */
  operations: Type.Array(OperationShape),
  /** What the server last recorded, so that the agent can tell "vanished" from "not made yet". */
  wasCreated: Type.Boolean(),
  /** For the pull of its image. Kept in memory only, never in Docker's own settings. */
  logIn: Type.Optional(LogInShape),
});
export type WantedContainer = Static<typeof WantedContainerShape>;

/** Containers wanted on the asking agent's host: all, or those of the named ones that still are. */
export const wantedContainers = defineCall({
  name: 'wanted-containers',
  to: 'server',
  request: Type.Object({ uuids: Type.Optional(Strings) }),
  reply: Type.Object({ containers: Type.Array(WantedContainerShape) }),
  deadlineMs: 10_000,
});

/** What the Engine and the agent know about one container. */
export const ContainerReportShape = Type.Object({
  uuid: Type.String(),
  /** When the agent looked (ISO 8601, the agent's clock): an older look never overwrites a newer one. */
  observedAt: Type.Optional(Type.String()),
  state: Enum(engineStates),
  /** Set while an operation runs; null otherwise. */
  taskState: Nullable(Type.String()),
  runtimeId: Type.Optional(Type.String()),
  exitCode: Type.Optional(Type.Number()),
  /** ISO 8601. */
  startedAt: Type.Optional(Type.String()),
  finishedAt: Type.Optional(Type.String()),
  createdAt: Type.Optional(Type.String()),
  /** A sentence for people when something is wrong with the container; null = nothing. */
  reason: Nullable(Type.String()),
  /** True when `reason` ends the container's life as wanted: its status becomes Error. */
  failed: Type.Boolean(),
  /** Known once the Engine has the container; the image's values where the specification has none. */
  resolved: Type.Optional(
    Type.Object({
      command: Strings,
      entrypoint: Strings,
      workdir: Nullable(Type.String()),
      hostname: Type.String(),
      runtime: Type.String(),
      ports: Type.Array(Type.Number()),
    }),
  ),
  vitals: Type.Optional(
    Type.Object({
      restartCount: Type.Number(),
      health: Nullable(
        Type.Object({
          status: Enum(['starting', 'healthy', 'unhealthy'] as const),
          failingStreak: Type.Number(),
          output: Type.String(),
        }),
      ),
    }),
  ),
});
export type ContainerReport = Static<typeof ContainerReportShape>;

export const OperationOutcomeShape = Type.Object({
  container: Type.String(),
  operation: Type.String(),
  /** `progress` = begun, not finished. */
  result: Enum(['progress', 'success', 'error'] as const),
  /** For people, with `error`. */
  message: Type.Optional(Type.String()),
  /** delete: what became of the container's logs; absent = the host keeps none. */
  logs: Type.Optional(Type.Object({ bytes: Nullable(Type.Number()), reason: Nullable(Type.String()) })),
});
export type OperationOutcome = Static<typeof OperationOutcomeShape>;

/**
 * What is, from the agent to the server; idempotent. `gone` lists containers whose `delete` is complete on the host.
 * Reports about containers of another host are refused.
 */
export const report = defineCall({
  name: 'report',
  to: 'server',
  request: Type.Object({
    containers: Type.Array(ContainerReportShape),
    outcomes: Type.Array(OperationOutcomeShape),
    gone: Strings,
  }),
  reply: Type.Object({}),
  deadlineMs: 10_000,
});

/** Containers whose logs the host keeps; of those the server names some that nobody will ask for. */
export const keptLogs = defineCall({
  name: 'kept-logs',
  to: 'server',
  request: Type.Object({ uuids: Strings }),
  reply: Type.Object({ unwanted: Strings }),
  deadlineMs: 10_000,
});

export const HardwareShape = Type.Object({
  numaNodes: Type.Array(Type.Object({ id: Type.Number(), cpus: Type.String(), memoryMiB: Type.Number() })),
  pciDevices: Type.Array(
    Type.Object({
      address: Type.String(),
      vendorId: Type.String(),
      productId: Type.String(),
      classId: Type.String(),
      numaNode: Nullable(Type.Number()),
    }),
  ),
});

export const HostReportShape = Type.Object({
  architecture: Type.String(),
  osType: Type.String(),
  os: Type.String(),
  kernelVersion: Type.String(),
  cpus: Type.Number(),
  memoryMiB: Type.Number(),
  diskGiB: Type.Number(),
  diskQuotaSupported: Type.Boolean(),
  labels: StringMap,
  runtimes: Strings,
  availabilityZone: Type.String(),
  engineVersion: Type.String(),
  hardware: Type.Optional(HardwareShape),
});
export type HostReport = Static<typeof HostReportShape>;

/** Sent every few seconds. `engineOk` = Docker answered just now; a host whose Docker is silent is down. */
export const heartbeat = defineCall({
  name: 'heartbeat',
  to: 'server',
  request: Type.Object({
    engineOk: Type.Boolean(),
    /** Why not, for people. */
    engineError: Nullable(Type.String()),
    /** Absent while Docker does not answer. */
    host: Type.Optional(HostReportShape),
  }),
  reply: Type.Object({}),
  deadlineMs: 5_000,
});

/** Something about these containers or networks may have changed: look. Empty lists = look at everything. */
export const wake = defineNotice({
  name: 'wake',
  to: 'agent',
  body: Type.Object({ containers: Strings, networks: Strings }),
});
