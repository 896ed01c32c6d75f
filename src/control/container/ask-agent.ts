/** Questions about a running container that only its agent can answer: each a call on the bus with a deadline. */
import type { Readable } from 'node:stream';
import type { Caller } from '../../model/caller.ts';
import { assertAllowed, type ContainerAction } from '../../model/container.ts';
import type { Container } from '../../model/container-record.ts';
import { Failure, isFailure } from '../../model/failure.ts';
import {
  containerExecute,
  containerLogs,
  containerResize,
  containerStats,
  containerTop,
  execResize,
} from '../../wire/agent-questions.ts';
import type { CallDefinition, ReplyOf, RequestOf } from '../../wire/call.ts';
import { followLogs, type PathStat, readArchive, writeArchive } from '../../wire/streams.ts';
import type { PolicyRule } from '../policy.ts';
import type { ContainerContext } from './context.ts';
import { Followers } from './followers.ts';
import { assertHostUp } from './hosts.ts';
import { getContainer } from './look-up.ts';
import { assertOnHost } from './operate.ts';

export type Question =
  | 'logs'
  | 'execute'
  | 'top'
  | 'stats'
  | 'resize'
  | 'execute_resize'
  | 'attach'
  | 'get_archive'
  | 'put_archive';

export type LogsAsk = Omit<RequestOf<typeof containerLogs>, 'uuid'>;

export interface CommandAsk {
  readonly words: readonly string[];
  /** With a terminal of its own. */
  readonly tty?: boolean;
  readonly environment?: Record<string, string>;
  readonly user?: string;
  readonly workdir?: string;
}

export interface ExecuteAsk extends CommandAsk {
  /** As it was given, for messages. */
  readonly text: string;
  readonly timeoutSeconds?: number;
  readonly stdin?: string;
}

/** In characters. */
export interface TerminalSize {
  readonly height: number;
  readonly width: number;
}

/** How much longer than the command's own limit its answer may take. */
const executeGraceMs = 5_000;

/** How long to wait, and what to say when that was too long. */
interface Late {
  readonly deadlineMs?: number;
  readonly failure?: Failure;
}

/** A container that the caller may ask this of, in a status in which it can be asked, on a host that is up. */
export async function getAskable(
  ctx: ContainerContext,
  caller: Caller,
  ident: string,
  question: Question,
): Promise<Container> {
  const rule: PolicyRule = `container:${question}`;
  const container = await getContainer(ctx, caller, ident, rule);
  await assertAnswers(ctx, container, question);
  return container;
}

/** Throws what stands in the way, whoever asks. */
export async function assertAnswers(
  ctx: ContainerContext,
  container: Container,
  action: Question & ContainerAction,
): Promise<void> {
  assertAllowed(action, container.uuid, container.status);
  await assertHostUp(ctx, assertOnHost(container));
}

/** Calls to the agent of a container's host. */
export function agentAsker(ctx: ContainerContext) {
  return async <C extends CallDefinition>(
    container: Container,
    call: C,
    request: RequestOf<C>,
    late: Late = {},
  ): Promise<ReplyOf<C>> => {
    const host = assertOnHost(container);
    const options = { deadlineMs: late.deadlineMs ?? call.deadlineMs };
    return heard(host, ctx.bus.call({ kind: 'agent', host }, call, request, options), late.failure);
  };
}

export function questionUseCases(ctx: ContainerContext) {
  const followers = new Followers();
  const target = (caller: Caller, ident: string, question: Question) =>
    getAskable(ctx, caller, ident, question);
  const ask = agentAsker(ctx);

  return {
    /** To be read or destroyed; it ends when the container does. */
    async followLogs(caller: Caller, ident: string, options: LogsAsk): Promise<Readable> {
      const container = await target(caller, ident, 'logs');
      const host = assertOnHost(container);
      const request = { uuid: container.uuid, ...options };
      const { download } = await heard(host, ctx.bus.streams.open(host, followLogs, request));
      return followers.add(download);
    },

    /** The server stops: nobody follows any longer. */
    endFollowing: () => followers.endAll(),

    async logs(caller: Caller, ident: string, options: LogsAsk): Promise<string> {
      const container = await target(caller, ident, 'logs');
      return (await ask(container, containerLogs, { uuid: container.uuid, ...options })).text;
    },

    /** Waits for the command's end; 409 when it takes longer than its time, or than the configured one. */
    async execute(
      caller: Caller,
      ident: string,
      { text, words, timeoutSeconds = ctx.config.containers.executeTimeoutSeconds, ...more }: ExecuteAsk,
    ): Promise<{ output: string; exitCode: number }> {
      const container = await target(caller, ident, 'execute');
      const request = { uuid: container.uuid, command: [...words], timeoutSeconds, ...more };
      return ask(container, containerExecute, request, {
        deadlineMs: timeoutSeconds * 1000 + executeGraceMs,
        failure: new Failure('conflict', `Timeout on executing command: ${text}`),
      });
    },

    async resizeTerminal(caller: Caller, ident: string, size: TerminalSize): Promise<void> {
      const container = await target(caller, ident, 'resize');
      await ask(container, containerResize, { uuid: container.uuid, ...size });
    },

    async resizeExec(caller: Caller, ident: string, execId: string, size: TerminalSize): Promise<void> {
      const container = await target(caller, ident, 'execute_resize');
      await ask(container, execResize, { uuid: container.uuid, execId, ...size });
    },

    /** The archive has to be read or destroyed. */
    async readArchive(
      caller: Caller,
      ident: string,
      path: string,
    ): Promise<{ readonly stat: PathStat; readonly tar: Readable }> {
      const container = await target(caller, ident, 'get_archive');
      const host = assertOnHost(container);
      const opened = ctx.bus.streams.open(host, readArchive, { uuid: container.uuid, path });
      const { head, download } = await heard(host, opened);
      return { stat: head.stat, tar: download };
    },

    /** `tar` is read to its end before anything changes in the container. */
    async writeArchive(caller: Caller, ident: string, path: string, tar: Readable): Promise<void> {
      const container = await target(caller, ident, 'put_archive');
      const host = assertOnHost(container);
      const request = {
        uuid: container.uuid,
        path,
        limitBytes: ctx.config.containers.maxArchiveMiB * 2 ** 20,
      };
      const { download } = await heard(host, ctx.bus.streams.open(host, writeArchive, request, tar));
      download.destroy();
    },

    async top(caller: Caller, ident: string, psArgs: string | null): Promise<ReplyOf<typeof containerTop>> {
      const container = await target(caller, ident, 'top');
      return ask(container, containerTop, { uuid: container.uuid, psArgs });
    },

    async stats(
      caller: Caller,
      ident: string,
    ): Promise<ReplyOf<typeof containerStats> & { readonly name: string }> {
      const container = await target(caller, ident, 'stats');
      const figures = await ask(container, containerStats, { uuid: container.uuid });
      return { ...figures, name: container.name };
    },
  };
}

/** What the agent answers; an agent that does not is told of as such. */
export async function heard<T>(host: string, answer: Promise<T>, lateFailure?: Failure): Promise<T> {
  const silent = new Failure('host-not-up', `The agent of host ${host} does not answer.`);
  try {
    return await answer;
  } catch (error) {
    if (isFailure(error, 'unavailable')) throw silent;
    if (isFailure(error, 'timeout')) throw lateFailure ?? silent;
    throw error;
  }
}
