/**
 * Consoles: talking with a container's own process, or with a command that was made for it, by whoever brings the token.
 *
 * A token is 256 random bits, known only to whom it was given: here is its hash. It opens one console, once, of one container (and
 * one command), for one user in one project, within a short time; it goes with its container. What it stands for is looked at
 * again when it is used, and for as long as the console is open. The bytes go between the agent and whoever talks; nothing is kept.
 */
import { createHash, randomBytes } from 'node:crypto';
import { PassThrough, type Readable, type Writable } from 'node:stream';
import type { Caller } from '../../model/caller.ts';
import type { Container } from '../../model/container-record.ts';
import { Failure } from '../../model/failure.ts';
import { looksLikeUuid } from '../../model/ids.ts';
import {
  type ConsoleToken,
  countConsoleTokens,
  insertConsoleToken,
  takeConsoleToken,
} from '../../store/container/console-tokens.ts';
import { findContainer } from '../../store/container/containers.ts';
import { execCreate, execResult } from '../../wire/agent-questions.ts';
import { attachContainer, startExec } from '../../wire/streams.ts';
import { agentAsker, assertAnswers, type CommandAsk, getAskable, heard } from './ask-agent.ts';
import { type ContainerContext, nowIso } from './context.ts';
import { assertOnHost } from './operate.ts';

/** What opens a console. */
export interface ConsoleKey {
  readonly token: string;
  readonly uuid: string;
  /** Null = the container's own process. */
  readonly execId: string | null;
}

export interface Console {
  readonly uuid: string;
  /** For whom it was opened. */
  readonly userId: string;
  readonly input: Writable;
  /** Ends when the process does; destroy it to leave. */
  readonly output: Readable;
  /** Whether the one who was let in would still be. */
  isWelcome(): Promise<boolean>;
  /** After the output has ended: how it ended, for people. */
  farewell(): Promise<string>;
}

/**
 * Tells whether what a user was let in for still counts: the answer changes when it does not, and is undefined when a log-in would
 * be refused. Absent where identities are kept elsewhere.
 */
export type StandingOf = (userId: string, projectId: string) => Promise<string | undefined>;

/** Of one container at a time: whoever may talk with it could otherwise fill the Engine with commands that never start. */
const tokensPerContainer = 32;

export function consoleUseCases(ctx: ContainerContext, standingOf: StandingOf | undefined) {
  const ask = agentAsker(ctx);
  const { tokenSeconds } = ctx.config.consoles;
  const standing = async ({ userId, projectId }: Pick<ConsoleToken, 'userId' | 'projectId'>) =>
    standingOf ? ((await standingOf(userId, projectId)) ?? 'none') : null;
  const isWelcome = async (made: ConsoleToken) =>
    made.standing !== 'none' && (await standing(made)) === made.standing;

  async function issue(
    { userId, projectId }: Caller,
    uuid: string,
    execId: string | null,
  ): Promise<ConsoleKey> {
    const token = randomBytes(32).toString('base64url');
    await insertConsoleToken(ctx.db, {
      hash: hashOf(token),
      containerUuid: uuid,
      execId,
      projectId,
      userId,
      standing: await standing({ userId, projectId }),
      expiresAt: new Date(ctx.clock.now().getTime() + tokenSeconds * 1000).toISOString(),
    });
    return { token, uuid, execId };
  }

  async function assertRoom(uuid: string): Promise<void> {
    if ((await countConsoleTokens(ctx.db, uuid, nowIso(ctx))) < tokensPerContainer) return;
    throw new Failure(
      'too-many-requests',
      `${tokensPerContainer} consoles of this container wait to be opened: open one, or try again in ${tokenSeconds} seconds.`,
    );
  }

  async function take({
    token,
    uuid,
    execId,
  }: ConsoleKey): Promise<{ made: ConsoleToken; container: Container }> {
    const use = { hash: hashOf(token), containerUuid: uuid, execId, now: nowIso(ctx) };
    const isWellFormed = looksLikeUuid(uuid) && (execId === null || /^[\da-f]{64}$/.test(execId));
    const made = isWellFormed ? await takeConsoleToken(ctx.db, use) : undefined;
    const container = made && (await findContainer(ctx.db, uuid));
    if (container && (await isWelcome(made))) return { made, container };
    throw new Failure(
      'console-token-refused',
      'This token opens no console: it is unknown, for another one, used, or expired. Ask for a new one.',
    );
  }

  return {
    /** Throws `no-interactive-flag` when nothing reads the container's input. */
    async attach(caller: Caller, ident: string): Promise<ConsoleKey> {
      const { uuid, spec } = await getAskable(ctx, caller, ident, 'attach');
      if (!spec.interactive) {
        const text = "Container doesn't support to be attached, please check the interactive set properly";
        throw new Failure('no-interactive-flag', text);
      }
      await assertRoom(uuid);
      return issue(caller, uuid, null);
    },

    /** Makes a command ready, which starts when its console is opened; `tty` gives it a terminal and an input. */
    async prepareExec(
      caller: Caller,
      ident: string,
      { words, tty = false, ...more }: CommandAsk,
    ): Promise<ConsoleKey> {
      const container = await getAskable(ctx, caller, ident, 'execute');
      const { uuid } = container;
      await assertRoom(uuid);
      const request = { uuid, command: [...words], tty, interactive: tty, ...more };
      const { execId } = await ask(container, execCreate, request);
      return issue(caller, uuid, execId);
    },

    /** Throws `console-token-refused` for every token that does not open just this. */
    async open(key: ConsoleKey): Promise<Console> {
      const { made, container } = await take(key);
      const { uuid } = container;
      const { execId } = made;
      await assertAnswers(ctx, container, execId === null ? 'attach' : 'execute');
      const host = assertOnHost(container);
      const input = new PassThrough();
      const opened =
        execId === null
          ? ctx.bus.streams.open(host, attachContainer, { uuid }, input)
          : ctx.bus.streams.open(host, startExec, { uuid, execId }, input);
      const { download } = await heard(host, opened);
      return {
        uuid,
        userId: made.userId,
        input,
        output: download,
        isWelcome: () => isWelcome(made),
        async farewell() {
          if (execId === null) return 'Target closed';
          const { exitCode } = await ask(container, execResult, { uuid, execId });
          return exitCode === null ? 'Target closed' : `Target closed: exit code ${exitCode}`;
        },
      };
    },
  };
}

function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}
