/**
 * Ports of containers: made after a create, removed after a delete or a failed create; in between they follow the
 * container's networks and security groups (./port-changes.ts).
 *
 * One container at a time is settled (`settle` reads what it should do from the row, so it may be asked for at any
 * moment and any number of times); different containers run side by side. `pass` settles all that is open and
 * sweeps ports whose container has no row, so a crash between any two steps is repaired by the next pass.
 *
 * Order matters: ports go before the row does, or nobody would know whose they were.
 */
import { KeyedQueue } from '../../base/keyed-queue.ts';
import type { Container } from '../../model/container-record.ts';
import { Failure } from '../../model/failure.ts';
import {
  containersInPhase,
  deleteContainer,
  findContainer,
  unknownContainers,
  updateContainer,
} from '../../store/container/containers.ts';
import { finishAllOperations } from '../../store/container/operations.ts';
import { type ContainerContext, nowIso } from './context.ts';
import { rememberDeleted } from './deleted.ts';
import { dnsNameOf } from './names.ts';
import { followChanges, mayRecover, portRequest } from './port-changes.ts';

const atOnce = 16;

export class Provisioner {
  readonly #ctx: ContainerContext;
  readonly #queue = new KeyedQueue();

  constructor(ctx: ContainerContext) {
    this.#ctx = ctx;
  }

  /** Asks for a settling soon; returns at once. What fails is tried again by the next pass. */
  kick(uuid: string): void {
    this.#queue
      .run(uuid, () => this.#settle(uuid))
      .catch((error: unknown) => this.#ctx.log.warn({ container: uuid, error }, 'ports not settled'));
  }

  async pass(): Promise<void> {
    const open = await containersInPhase(this.#ctx.db, ['wanted', 'changing', 'releasing']);
    const failures: unknown[] = [];
    for (let at = 0; at < open.length; at += atOnce) {
      const settled = await Promise.allSettled(
        open.slice(at, at + atOnce).map((uuid) => this.#queue.run(uuid, () => this.#settle(uuid))),
      );
      failures.push(...settled.flatMap((each) => (each.status === 'rejected' ? [each.reason] : [])));
    }
    await this.#sweep();
    if (failures.length > 0) throw new AggregateError(failures, `${failures.length} containers not settled`);
  }

  async idle(): Promise<void> {
    await this.#queue.idle();
  }

  async #settle(uuid: string): Promise<void> {
    const container = await findContainer(this.#ctx.db, uuid);
    if (container?.portsPhase === 'wanted') await this.#provision(container);
    else if (container?.portsPhase === 'releasing') await this.#release(container);
    else if (container?.portsPhase === 'changing' && !(await followChanges(this.#ctx, container))) {
      // It has changed once more meanwhile.
      await this.#settle(uuid);
    }
  }

  async #provision(container: Container): Promise<void> {
    const { db, waker, log } = this.#ctx;
    const { uuid, host } = container;
    if (host === null) throw new Error(`container ${uuid} wants ports but has no host`);
    let made: Pick<Container, 'nics' | 'exposedGroupId'>;
    try {
      made = await this.#makePorts(container, host);
    } catch (error) {
      if (this.#mayRecover(container, error)) throw error;
      log.warn({ container: uuid, error }, 'ports could not be made');
      await this.#fail(container, error);
      return;
    }
    const isReady = await updateContainer(
      db,
      uuid,
      { ...made, portsPhase: 'ready', revision: container.revision + 1 },
      { inPhase: 'wanted' },
    );
    // Deleted meanwhile, perhaps by another server: what was just made must go again.
    if (!isReady) return this.#release(container);
    // Whoever made the ports has told the host of them.
    waker.wake(host, { containers: [uuid] });
  }

  async #makePorts(container: Container, host: string): Promise<Pick<Container, 'nics' | 'exposedGroupId'>> {
    const { networking } = this.#ctx;
    const { uuid, projectId, spec } = container;
    const exposedGroupId =
      spec.exposedPorts.length === 0
        ? null
        : await networking.ensureExposedGroup(projectId, uuid, spec.exposedPorts);
    const nics = [];
    for (const net of container.nets) {
      nics.push(await networking.ensurePort(portRequest({ ...container, exposedGroupId }, host, net)));
    }
    return { nics, exposedGroupId };
  }

  #mayRecover(container: Container, error: unknown): boolean {
    return mayRecover(this.#ctx, container.createdAt, error);
  }

  async #fail(container: Container, error: unknown): Promise<void> {
    const { db } = this.#ctx;
    const { uuid } = container;
    const reason = error instanceof Failure ? error.message : 'The ports of the container could not be made.';
    await db.transaction().execute(async (trx) => {
      const isStillWanted = await updateContainer(
        trx,
        uuid,
        { status: 'Error', statusReason: reason, taskState: null, portsPhase: 'releasing' },
        { inPhase: 'wanted' },
      );
      if (!isStillWanted) return;
      await finishAllOperations(trx, uuid, { result: 'Error', message: reason, at: nowIso(this.#ctx) });
    });
    await this.#settle(uuid);
  }

  async #release(container: Container): Promise<void> {
    const { db, networking } = this.#ctx;
    const { uuid, projectId } = container;
    await networking.releasePorts(uuid, { dnsName: dnsNameOf(container) });
    await networking.releaseExposedGroup(projectId, uuid);
    await db.transaction().execute(async (trx) => {
      const now = await findContainer(trx, uuid);
      if (!now) return;
      if (now.status === 'Deleting' || now.status === 'Deleted') {
        await rememberDeleted(this.#ctx, trx, now);
        return deleteContainer(trx, uuid);
      }
      const message = 'The container has nothing on any host any more.';
      await finishAllOperations(trx, uuid, { result: 'Error', message, at: nowIso(this.#ctx) });
      await updateContainer(trx, uuid, {
        portsPhase: 'none',
        host: null,
        nics: [],
        exposedGroupId: null,
        revision: now.revision + 1,
      });
    });
  }

  /** Ports first, rows second: a container made in between has a row, one deleted in between has no ports. */
  async #sweep(): Promise<void> {
    const { db, networking, log } = this.#ctx;
    for (const uuid of await unknownContainers(db, await networking.containersWithPorts())) {
      log.warn({ container: uuid }, 'ports of a container that does not exist: removed');
      await networking.releasePorts(uuid);
    }
  }
}
