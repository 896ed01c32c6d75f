/**
 * Applies one network: its rules, then the steps of whoever asks, then its routers.
 *
 * What was applied is remembered, so that a change costs a small transaction. When that fails, and when nothing is known,
 * everything of the network is applied anew, refilling the rules where they stand.
 */
import type { Log } from '../base/log.ts';
import type { Undo } from '../base/undo.ts';
import type { Kernel, KernelStep } from '../host/kernel.ts';
import { networkNamespace } from '../model/host-names.ts';
import type { WantedNetwork } from '../wire/host-network.ts';
import { type Limits, limitSteps, limitsOf } from './plan/bandwidth.ts';
import { namespaceSteps } from './plan/namespace.ts';
import { type NetworkRuleset, planChange } from './plan/network-ruleset.ts';
import { renewRuleset } from './renewal.ts';
import type { Reason, Routers } from './routers.ts';

interface Applied extends NetworkRuleset {
  /** The very object: one that is asked for again needs no plan. */
  readonly network: WantedNetwork;
  readonly mtu: number;
  /** All of its routers, as text. */
  readonly routers: string;
  readonly limits: Limits;
}

/** Whether all of a network is applied, or what differs from what was applied before. */
export type Extent = 'changes' | 'all';

export interface Order {
  readonly network: WantedNetwork;
  readonly what: Extent;
  /** Done after the rules, before the routers. */
  readonly steps: readonly KernelStep[];
  /** Told when the namespace is not there, whatever was before. */
  readonly onAbsent: (netns: string) => void;
  /** Takes back a namespace that this order made. */
  readonly remove: (netns: string) => Promise<void>;
}

export class Applier {
  readonly #kernel: Kernel;
  readonly #instance: string;
  readonly #log: Log;
  readonly #routers: Routers;
  /** Keyed by namespace. */
  readonly #applied = new Map<string, Applied>();

  constructor(
    options: { readonly kernel: Kernel; readonly instance: string; readonly log: Log },
    routers: Routers,
  ) {
    this.#kernel = options.kernel;
    this.#instance = options.instance;
    this.#log = options.log;
    this.#routers = routers;
  }

  /** The network as it was applied last; undefined = not known. */
  last(netns: string): WantedNetwork | undefined {
    return this.#applied.get(netns)?.network;
  }

  generationOf(netns: string): number {
    return this.#applied.get(netns)?.generation ?? 0;
  }

  /** The next order applies everything. */
  forget(netns: string): void {
    this.#applied.delete(netns);
  }

  /** Only what changed where that is known, else everything. */
  async apply(order: Order, undo: Undo): Promise<void> {
    const { network, what } = order;
    const netns = networkNamespace(this.#instance, network.id);
    const before = this.#applied.get(netns);
    this.#applied.delete(netns);
    const isPresent = (await this.#kernel.namespaces()).includes(netns);
    let reason: Reason = isPresent ? 'look' : 'doubt';
    if (what === 'changes' && before?.mtu === network.mtu && isPresent) {
      try {
        this.#applied.set(netns, await this.#change(before, order, undo));
        return;
      } catch (error) {
        this.#log.warn({ netns, error }, 'a change failed: applying the whole network anew');
        reason = 'doubt';
      }
    }
    if (!isPresent) {
      order.onAbsent(netns);
      undo.add(`remove ${netns}`, () => order.remove(netns));
    }
    this.#applied.set(
      netns,
      await this.#renew(order, { before: isPresent ? before : undefined, isPresent, reason }, undo),
    );
  }

  async #change(before: Applied, { network, steps }: Order, undo: Undo): Promise<Applied> {
    const netns = networkNamespace(this.#instance, network.id);
    const wanted = wantedOf(network);
    const { script, ...applied } =
      before.network === network ? { ...before, script: '' } : planChange(before, network, freshGeneration());
    await this.#kernel.apply([
      ...(script ? [{ do: 'nft', netns, script } as const] : []),
      ...limitSteps(this.#instance, network, before.limits),
      ...steps,
    ]);
    if (before.routers !== wanted.routers) await this.#routers.converge(network, undo, 'change');
    return { ...applied, ...wanted };
  }

  async #renew(
    { network, steps }: Order,
    now: { readonly before: Applied | undefined; readonly isPresent: boolean; readonly reason: Reason },
    undo: Undo,
  ): Promise<Applied> {
    const netns = networkNamespace(this.#instance, network.id);
    const { script: _, ...applied } = planChange(undefined, network, freshGeneration());
    await this.#kernel.apply(namespaceSteps(this.#instance, network));
    await renewRuleset(this.#kernel, this.#log, {
      netns,
      before: now.before?.ruleset,
      after: applied.ruleset,
    });
    await this.#kernel.apply([
      ...(now.isPresent ? limitSteps(this.#instance, network, undefined) : []),
      ...steps,
    ]);
    await this.#routers.converge(network, undo, now.reason);
    return { ...applied, ...wantedOf(network) };
  }
}

function wantedOf(network: WantedNetwork) {
  return {
    network,
    mtu: network.mtu,
    routers: JSON.stringify(network.routers),
    limits: limitsOf(network),
  };
}

function freshGeneration(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;
}
