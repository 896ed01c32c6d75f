/**
 * The container service, put together: use cases for the APIs, the agents' calls on the bus, and the reconciler.
 *
 * `serve()` before the bus carries anything, `start()` when everything else stands, `stop()` before the database
 * closes. Contract with the agents: src/wire/agent.ts.
 */
import type { Clock } from '../../base/clock.ts';
import type { Config } from '../../base/config-schema.ts';
import type { Log } from '../../base/log.ts';
import { Reconciler } from '../../base/reconciler.ts';
import type { Bus } from '../../bus/bus.ts';
import type { Caller } from '../../model/caller.ts';
import type { ServerVerb } from '../../model/container.ts';
import type { Container, OperationArgs } from '../../model/container-record.ts';
import { forgetExpiredConsoleTokens } from '../../store/container/console-tokens.ts';
import { keepNewestEvents } from '../../store/container/events.ts';
import type { Db } from '../../store/database.ts';
import type { Networking, RequestedNet } from '../networking.ts';
import { Policy, type PolicyRule } from '../policy.ts';
import type { Secrets } from '../secrets.ts';
import type { Waker } from '../waker.ts';
import { Dispatcher } from '../webhooks/dispatcher.ts';
import { senderOf } from '../webhooks/sender.ts';
import { webhookUseCases } from '../webhooks/webhooks.ts';
import { type AgentCallContext, serveAgents } from './agent-calls.ts';
import { questionUseCases } from './ask-agent.ts';
import { consoleUseCases, type StandingOf } from './consoles.ts';
import { type ContainerContext, nowIso } from './context.ts';
import { type CreateAsk, createContainer } from './create.ts';
import { Deadlines } from './deadlines.ts';
import { deletedUseCases, forgetOld } from './deleted.ts';
import { EventFeed } from './event-feed.ts';
import { Healer } from './heal.ts';
import { hostUseCases } from './hosts.ts';
import { ImageKeeper, imageUseCases } from './images.ts';
import { actionOf, actionsOf, type ListAsk, listFor } from './list.ts';
import { getContainer } from './look-up.ts';
import { attachNetwork, chooseGateway, detachNetwork, type NetworkOrPort } from './networks.ts';
import { type OperateAsk, operate, type PowerVerb } from './operate.ts';
import { OperationEnds } from './operation-ends.ts';
import { type PolicyParties, policyUseCases } from './policies.ts';
import { Provisioner } from './provisioner.ts';
import { quotaUseCases } from './quotas.ts';
import { registryUseCases } from './registries.ts';
import { type RemoveAsk, removeContainer } from './remove.ts';
import { type RemoveManyAsk, removeMany } from './remove-many.ts';
import { changeSecurityGroup } from './security-groups.ts';
import { LiveLook } from './show.ts';
import { type ContainerUpdate, renameContainer, resizeContainer, updateInPlace } from './update.ts';
import { type WaitAsk, waitForStatus } from './wait.ts';
import { type WatchAsk, watchContainers } from './watch.ts';

export interface ContainerControlOptions extends PolicyParties {
  readonly db: Db;
  readonly bus: Bus;
  readonly networking: Networking;
  readonly waker: Waker;
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Log;
  readonly policy?: Policy;
  readonly secrets: Secrets;
  /** For consoles, which outlive the token of the request that opened them. */
  readonly standingOf?: StandingOf;
}

export type ContainerControl = ReturnType<typeof createContainerControl>;

const reconcileEveryMs = 30_000;

export function createContainerControl(options: ContainerControlOptions) {
  const base: ContainerContext = { ...options, policy: options.policy ?? new Policy() };
  const ctx: AgentCallContext = {
    ...base,
    provisioner: new Provisioner(base),
    operationEnds: new OperationEnds(base.db),
  };
  const live = new LiveLook(ctx);
  const images = new ImageKeeper(ctx);
  const deadlines = new Deadlines(ctx);
  const feed = new EventFeed(ctx);
  const healer = new Healer(ctx);
  const { parallelDeliveries: parallel, disableAfterSeconds } = ctx.config.webhooks;
  const sender = senderOf(ctx.config.webhooks);
  const dispatcher = new Dispatcher({ ...ctx, sender, parallel, disableAfterSeconds });
  const reconciler = new Reconciler({
    name: 'container ports',
    log: ctx.log,
    everyMs: reconcileEveryMs,
    pass: async () => {
      await images.pass();
      await deadlines.pass();
      await forgetExpiredConsoleTokens(ctx.db, nowIso(ctx));
      await keepNewestEvents(ctx.db, ctx.config.containers.keptEvents);
      await forgetOld(ctx);
      await healer.pass();
      await ctx.provisioner.pass();
    },
  });

  return {
    config: ctx.config,
    log: ctx.log,
    policy: ctx.policy,
    hosts: hostUseCases(ctx),
    quotas: quotaUseCases(ctx),
    images: imageUseCases(ctx, images),
    registries: registryUseCases(ctx),
    webhooks: webhookUseCases({ ...ctx, sender }),
    /** Containers that are gone, and what they wrote. */
    deleted: deletedUseCases(ctx),
    policies: policyUseCases(ctx, options),
    consoles: consoleUseCases(ctx, options.standingOf),
    ...questionUseCases(ctx),

    async create(caller: Caller, ask: CreateAsk): Promise<Container> {
      const container = await createContainer(ctx, caller, ask);
      if (container.portsPhase === 'wanted') ctx.provisioner.kick(container.uuid);
      return container;
    },
    list: (caller: Caller, ask: ListAsk) => listFor(ctx, caller, ask),
    show: (caller: Caller, ident: string, allProjects = false) => live.show(caller, ident, allProjects),
    /** Shows it when it has one of the statuses, can no longer get there, or the time is over. */
    waitFor: (caller: Caller, ident: string, ask: WaitAsk) => waitForStatus(ctx, caller, ident, ask),
    /** The record as it stands. */
    get: (caller: Caller, ident: string, rule: PolicyRule) => getContainer(ctx, caller, ident, rule),
    networks: (caller: Caller, ident: string) => getContainer(ctx, caller, ident, 'container:network_list'),
    /** Floating IPs of the containers, by their ports. */
    outsideAddresses: (containers: readonly Container[]) =>
      ctx.networking.outsideAddresses(containers.flatMap(({ nics }) => nics.map(({ portId }) => portId))),
    attachNetwork: (caller: Caller, ident: string, net: RequestedNet) =>
      attachNetwork(ctx, caller, ident, net),
    detachNetwork: (caller: Caller, ident: string, what: NetworkOrPort) =>
      detachNetwork(ctx, caller, ident, what),
    chooseGateway: (caller: Caller, ident: string, what: NetworkOrPort) =>
      chooseGateway(ctx, caller, ident, what),
    changeSecurityGroup: (caller: Caller, ident: string, change: { verb: ServerVerb; name: string }) =>
      changeSecurityGroup(ctx, caller, ident, change),
    update: (caller: Caller, ident: string, update: ContainerUpdate) =>
      updateInPlace(ctx, caller, ident, update),
    resize: (caller: Caller, ident: string, update: ContainerUpdate) =>
      resizeContainer(ctx, caller, ident, update),
    rename: (caller: Caller, ident: string, name: string) => renameContainer(ctx, caller, ident, name),
    operate: (caller: Caller, ident: string, verb: PowerVerb, args: OperationArgs = {}) =>
      operate(ctx, caller, ident, { verb, args }),
    rebuild: (caller: Caller, ident: string, image: NonNullable<OperateAsk['image']>) =>
      operate(ctx, caller, ident, { verb: 'rebuild', args: {}, image }),
    remove: (caller: Caller, ident: string, ask: RemoveAsk) => removeContainer(ctx, caller, ident, ask),
    removeMany: (caller: Caller, ask: RemoveManyAsk) => removeMany(ctx, caller, ask),
    watch: (caller: Caller, ask: WatchAsk) => watchContainers({ ...ctx, feed }, caller, ask),
    /** Ends all streams of events. */
    stopWatching: () => feed.stop(),
    /** How many watch. */
    watchers: () => feed.size,
    actions: (caller: Caller, ident: string) => actionsOf(ctx, caller, ident),
    action: (caller: Caller, ident: string, requestId: string) => actionOf(ctx, caller, ident, requestId),

    /** Ends what has taken too long; the reconciler does it regularly. */
    endLate: () => deadlines.pass(),
    /** Restarts or rebuilds what is unhealthy and to be healed; the reconciler does it regularly. */
    heal: () => healer.pass(),
    /** Answers agents. Call once, before they connect. */
    serve(): void {
      serveAgents(ctx);
      images.serve();
    },
    /** Picks up what a crash or restart left open, and keeps doing so. */
    start(): void {
      reconciler.wake();
      dispatcher.start();
    },
    /** Waits until nothing is under way here; agents may be at work. */
    settle: () => ctx.provisioner.idle(),
    async stop(): Promise<void> {
      feed.stop();
      await dispatcher.stop();
      await reconciler.stop();
      await ctx.provisioner.idle();
    },
  };
}
