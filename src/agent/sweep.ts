/**
 * Removes what carries this installation's mark on this host and belongs to nothing that is wanted: what a roll-back
 * could not reach, and what was deleted on the server while this host was away.
 *
 * Only what was seen unwanted for the whole grace period goes, after the server was asked afresh each time. Things of
 * other installations, and everything without a mark, are never touched.
 */

import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import { Reconciler } from '../base/reconciler.ts';
import { settleAll } from '../base/undo.ts';
import type { Bus } from '../bus/bus.ts';
import type { Engine } from '../docker/engine.ts';
import { dockerLabels } from '../model/host-names.ts';
import { wantedContainers } from '../wire/agent.ts';
import { wantedNetworks } from '../wire/host-network.ts';
import type { HostDataplane } from './dataplane.ts';
import type { DockerNetworks } from './docker-networks.ts';

export interface SweepOptions {
  readonly bus: Bus;
  readonly engine: Engine;
  readonly dataplane: HostDataplane;
  readonly dockerNetworks: DockerNetworks;
  readonly instance: string;
  readonly log: Log;
  readonly clock: Clock;
  readonly everyMs: number;
  readonly graceMs: number;
  /** Says what it would remove, and removes nothing. */
  readonly isDryRun: boolean;
}

interface Leftover {
  readonly key: string;
  readonly remove: () => Promise<unknown>;
}

export class Sweep {
  readonly #options: SweepOptions;
  readonly #loop: Reconciler;
  readonly #firstSeen = new Map<string, number>();

  constructor(options: SweepOptions) {
    this.#options = options;
    const { log, everyMs } = options;
    this.#loop = new Reconciler({ name: 'sweep', log, everyMs, pass: () => this.pass() });
  }

  start(): void {
    this.#loop.wake();
  }

  stop(): Promise<void> {
    return this.#loop.stop();
  }

  async pass(): Promise<void> {
    const { bus, clock, graceMs, isDryRun, log, dataplane } = this.#options;
    const server = { kind: 'server' } as const;
    // First what is there, then what is wanted: what is made in between is wanted already.
    const there = await this.#things();
    const [{ containers }, { networks }] = await Promise.all([
      bus.call(server, wantedContainers, {}),
      bus.call(server, wantedNetworks, {}),
    ]);
    const wanted = new Set([
      ...containers.map(({ uuid }) => `container ${uuid}`),
      ...networks.map(({ id }) => `network ${id}`),
      ...containers.flatMap(({ nics }) => nics.map(({ networkId }) => `network ${networkId}`)),
    ]);
    const now = clock.now().getTime();
    const leftovers = there.filter(({ key }) => !wanted.has(key));
    this.#forgetAllBut(leftovers);
    const due = leftovers.filter(({ key }) => this.#ageOf(key, now) >= graceMs);
    for (const { key } of due) log.warn({ leftover: key, isDryRun }, 'nobody wants this');
    if (isDryRun) return;
    const routers = new Set(networks.flatMap((network) => network.routers.map(({ id }) => id)));
    await settleAll('sweep', [
      ...due.map(({ key, remove }) => [key, remove] as const),
      // A network whose Docker network is still in its grace period keeps its namespace, too.
      ['dataplane', () => dataplane.sweep(this.#keptNetworks(wanted, leftovers, due), [...routers])],
    ]);
  }

  #keptNetworks(
    wanted: ReadonlySet<string>,
    leftovers: readonly Leftover[],
    due: readonly Leftover[],
  ): string[] {
    const waiting = leftovers.filter((one) => !due.includes(one)).map(({ key }) => key);
    return [...wanted, ...waiting].flatMap((key) =>
      key.startsWith('network ') ? key.slice('network '.length) : [],
    );
  }

  /** Containers before networks: a network in use cannot be removed. */
  async #things(): Promise<Leftover[]> {
    const { engine, dockerNetworks, instance } = this.#options;
    const [containers, networkIds] = await Promise.all([
      engine.listContainers(`${dockerLabels.instance}=${instance}`),
      dockerNetworks.list(),
    ]);
    return [
      ...containers.map(({ id, labels }) => ({
        key: `container ${labels[dockerLabels.container]}`,
        remove: () => engine.removeContainer(id),
      })),
      ...networkIds.map((id) => ({
        key: `network ${id}`,
        remove: () => dockerNetworks.removeUnless(id, () => false),
      })),
    ];
  }

  #ageOf(key: string, now: number): number {
    const first = this.#firstSeen.get(key) ?? now;
    this.#firstSeen.set(key, first);
    return now - first;
  }

  #forgetAllBut(leftovers: readonly Leftover[]): void {
    const keys = new Set(leftovers.map(({ key }) => key));
    for (const key of this.#firstSeen.keys()) if (!keys.has(key)) this.#firstSeen.delete(key);
  }
}
