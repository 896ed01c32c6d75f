/** Questions to the agent about one running container, images and registries: what is inherently a call (./agent.ts says why). */
import Type from 'typebox';
import { ContainerReportShape, LogInShape } from './agent.ts';
import { defineCall, defineNotice } from './call.ts';
import { Nullable, StringMap, Strings } from './shapes.ts';

// ---- questions to the agent about one running container -------------------------------------------------------

const Target = { uuid: Type.String() };

const LogsQuestion = Type.Object({
  ...Target,
  stdout: Type.Boolean(),
  stderr: Type.Boolean(),
  timestamps: Type.Boolean(),
  /** Lines from the end; null = all. */
  tail: Nullable(Type.Number()),
  /** Unix seconds; null = from the start. */
  since: Nullable(Type.Number()),
});

/** How a command is run in a container; what is absent is as for the container's own process. */
const CommandShape = {
  command: Strings,
  /** With a terminal of its own. */
  tty: Type.Optional(Type.Boolean()),
  /** Besides the container's own. */
  environment: Type.Optional(StringMap),
  user: Type.Optional(Type.String()),
  workdir: Type.Optional(Type.String()),
};

export const containerLogs = defineCall({
  name: 'container-logs',
  to: 'agent',
  request: LogsQuestion,
  reply: Type.Object({ text: Type.String() }),
  deadlineMs: 20_000,
});

/** Of a container that was deleted. Throws `resource-not-found` when they are not kept, or no longer. */
export const readKeptLogs = defineCall({
  name: 'read-kept-logs',
  to: 'agent',
  request: LogsQuestion,
  reply: Type.Object({ text: Type.String() }),
  deadlineMs: 20_000,
});

export const containerExecute = defineCall({
  name: 'container-execute',
  to: 'agent',
  request: Type.Object({
    ...Target,
    ...CommandShape,
    timeoutSeconds: Type.Number(),
    stdin: Type.Optional(Type.String()),
  }),
  reply: Type.Object({ output: Type.String(), exitCode: Type.Number() }),
  deadlineMs: 60_000,
});

export const containerTop = defineCall({
  name: 'container-top',
  to: 'agent',
  request: Type.Object({ ...Target, psArgs: Nullable(Type.String()) }),
  reply: Type.Object({ titles: Strings, processes: Type.Array(Strings) }),
  deadlineMs: 10_000,
});

export const containerStats = defineCall({
  name: 'container-stats',
  to: 'agent',
  request: Type.Object(Target),
  reply: Type.Object({
    cpuPercent: Type.Number(),
    memoryUsedMiB: Type.Number(),
    memoryLimitMiB: Type.Number(),
    memoryPercent: Type.Number(),
    blockReadBytes: Type.Number(),
    blockWriteBytes: Type.Number(),
    netRxBytes: Type.Number(),
    netTxBytes: Type.Number(),
  }),
  deadlineMs: 10_000,
});

const Size = { height: Type.Number(), width: Type.Number() };

/** Of the container's own terminal, in characters. */
export const containerResize = defineCall({
  name: 'container-resize',
  to: 'agent',
  request: Type.Object({ ...Target, ...Size }),
  reply: Type.Object({}),
  deadlineMs: 10_000,
});

/** Of the terminal of a command that runs in the container. */
export const execResize = defineCall({
  name: 'exec-resize',
  to: 'agent',
  request: Type.Object({ ...Target, execId: Type.String(), ...Size }),
  reply: Type.Object({}),
  deadlineMs: 10_000,
});

/** Makes a command ready to be started and talked with (`startExec`, ./streams.ts). It is forgotten when the container ends. */
export const execCreate = defineCall({
  name: 'exec-create',
  to: 'agent',
  request: Type.Object({ ...Target, ...CommandShape, interactive: Type.Boolean() }),
  reply: Type.Object({ execId: Type.String() }),
  deadlineMs: 10_000,
});

/** How a command that was talked with has ended; null = it runs on without its terminal. */
export const execResult = defineCall({
  name: 'exec-result',
  to: 'agent',
  request: Type.Object({ ...Target, execId: Type.String() }),
  reply: Type.Object({ exitCode: Nullable(Type.Number()) }),
  deadlineMs: 10_000,
});

/** The live state, for a synchronous show: the same report that the agent sends by itself. */
export const containerInspect = defineCall({
  name: 'container-inspect',
  to: 'agent',
  request: Type.Object(Target),
  reply: ContainerReportShape,
  deadlineMs: 5_000,
});

// ---- images of a host ------------------------------------------------------------------------------------------

/** Answers when it is there; tells how far it is meanwhile (`imageProgress`). Pulling again is harmless. */
export const imagePull = defineCall({
  name: 'image-pull',
  to: 'agent',
  request: Type.Object({ uuid: Type.String(), reference: Type.String() }),
  reply: Type.Object({ imageId: Type.String(), sizeBytes: Type.Number() }),
  deadlineMs: 1_800_000,
});

/** Gone already is success; `conflict` while a container uses it. */
export const imageRemove = defineCall({
  name: 'image-remove',
  to: 'agent',
  request: Type.Object({ reference: Type.String() }),
  reply: Type.Object({}),
  deadlineMs: 60_000,
});

export const imageSearch = defineCall({
  name: 'image-search',
  to: 'agent',
  request: Type.Object({ term: Type.String() }),
  reply: Type.Object({
    images: Type.Array(
      Type.Object({
        name: Type.String(),
        description: Type.String(),
        isOfficial: Type.Boolean(),
        isAutomated: Type.Boolean(),
        stars: Type.Number(),
      }),
    ),
  }),
  deadlineMs: 30_000,
});

/** How far the pull of an image is, in words for people. */
export const imageProgress = defineNotice({
  name: 'image-progress',
  to: 'server',
  body: Type.Object({ uuid: Type.String(), text: Type.String() }),
});

/** Whether a registry answers and takes the log-in. */
export const registryTest = defineCall({
  name: 'registry-test',
  to: 'agent',
  request: Type.Object({ domain: Type.String(), logIn: Type.Optional(LogInShape) }),
  /** What failed, for people; null = nothing did. */
  reply: Type.Object({ reason: Nullable(Type.String()) }),
  deadlineMs: 30_000,
});
