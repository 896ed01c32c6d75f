/**
 * Show: the record, refreshed from the agent when it has not been looked at just now.
 *
 * Agents report every change by themselves, so the record is seldom old; a look per container and second is enough
 * and keeps a show as cheap as a read. No answer = the record as it stands.
 */
import { LRUCache } from 'lru-cache';
import type { Caller } from '../../model/caller.ts';
import { type Container, isVisible } from '../../model/container-record.ts';
import { findContainer } from '../../store/container/containers.ts';
import { findHost } from '../../store/container/hosts.ts';
import { containerInspect } from '../../wire/agent-questions.ts';
import { type AgentCallContext, applyReport } from './agent-calls.ts';
import { downReason } from './hosts.ts';
import { getContainer } from './look-up.ts';

const freshForMs = 1_000;
/** A user should not wait for a slow Engine: what is in the record is good enough then. */
const lookDeadlineMs = 1_000;

export class LiveLook {
  readonly #ctx: AgentCallContext;
  readonly #lookedAt = new LRUCache<string, true>({ max: 10_000, ttl: freshForMs });

  constructor(ctx: AgentCallContext) {
    this.#ctx = ctx;
  }

  async show(caller: Caller, ident: string, allProjects: boolean): Promise<Container> {
    const { db, policy } = this.#ctx;
    if (allProjects) policy.enforce(caller, 'container:get_one_all_projects');
    const container = await getContainer(this.#ctx, caller, ident, 'container:get_one');
    if (!this.#isWorthALook(container)) return container;
    await this.#look(container);
    return (await findContainer(db, container.uuid)) ?? container;
  }

  #isWorthALook(container: Container): boolean {
    const { uuid, host, wasCreated, status } = container;
    if (host === null || !isVisible(container) || !wasCreated || status === 'Deleting') return false;
    if (this.#lookedAt.has(uuid)) return false;
    this.#lookedAt.set(uuid, true);
    return true;
  }

  async #look({ uuid, host }: Container): Promise<void> {
    const { db, bus, clock, config, log } = this.#ctx;
    const record = host === null ? undefined : await findHost(db, host);
    if (!record || downReason(record, clock.now(), config) !== null) return;
    try {
      const to = { kind: 'agent', host: record.name } as const;
      const seen = await bus.call(to, containerInspect, { uuid }, { deadlineMs: lookDeadlineMs });
      await applyReport(this.#ctx, record.name, { containers: [seen], outcomes: [], gone: [] });
    } catch (error) {
      log.debug({ container: uuid, error }, 'no live look: the record is shown');
    }
  }
}
