/** Questions about a running container that only its agent can answer: each a call on the bus with a deadline. */
import type { Caller } from '../../model/caller.ts';
import { assertAllowed, type ContainerAction } from '../../model/container.ts';
import type { Container } from '../../model/container-record.ts';
import { Failure, isFailure } from '../../model/failure.ts';
import { containerExecute, containerLogs, containerStats, containerTop } from '../../wire/agent.ts';
import type { CallDefinition, ReplyOf, RequestOf } from '../../wire/call.ts';
import type { PolicyRule } from '../policy.ts';
import type { ContainerContext } from './context.ts';
import { assertHostUp } from './hosts.ts';
import { getContainer } from './look-up.ts';
import { assertOnHost } from './operate.ts';

type Question = 'logs' | 'execute' | 'top' | 'stats';

export type LogsAsk = Omit<RequestOf<typeof containerLogs>, 'uuid'>;

/** How much longer than the command's own limit its answer may take. */
const executeGraceMs = 5_000;

/** How long to wait, and what to say when that was too long. */
interface Late {
  readonly deadlineMs?: number;
  readonly failure?: Failure;
}

export function questionUseCases(ctx: ContainerContext) {
  async function target(caller: Caller, ident: string, question: Question): Promise<Container> {
    const rule: PolicyRule = `container:${question}`;
    const action: ContainerAction = question;
    const container = await getContainer(ctx, caller, ident, rule);
    assertAllowed(action, container.uuid, container.status);
    await assertHostUp(ctx, assertOnHost(container));
    return container;
  }

  async function ask<C extends CallDefinition>(
    container: Container,
    call: C,
    request: RequestOf<C>,
    late: Late = {},
  ): Promise<ReplyOf<C>> {
    const host = assertOnHost(container);
    const silent = new Failure('host-not-up', `The agent of host ${host} does not answer.`);
    try {
      const options = { deadlineMs: late.deadlineMs ?? call.deadlineMs };
      return await ctx.bus.call({ kind: 'agent', host }, call, request, options);
    } catch (error) {
      if (isFailure(error, 'unavailable')) throw silent;
      if (isFailure(error, 'timeout')) throw late.failure ?? silent;
      throw error;
    }
  }

  return {
    async logs(caller: Caller, ident: string, options: LogsAsk): Promise<string> {
      const container = await target(caller, ident, 'logs');
      return (await ask(container, containerLogs, { uuid: container.uuid, ...options })).text;
    },

    /** Waits for the command's end; 409 when it takes longer than the configured limit. */
    async execute(
      caller: Caller,
      ident: string,
      command: { readonly text: string; readonly words: readonly string[] },
    ): Promise<{ output: string; exitCode: number }> {
      const container = await target(caller, ident, 'execute');
      const timeoutSeconds = ctx.config.containers.executeTimeoutSeconds;
      const request = { uuid: container.uuid, command: [...command.words], timeoutSeconds };
      return ask(container, containerExecute, request, {
        deadlineMs: timeoutSeconds * 1000 + executeGraceMs,
        failure: new Failure('conflict', `Timeout on executing command: ${command.text}`),
      });
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
