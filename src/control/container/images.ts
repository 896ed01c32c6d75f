/**
 * Images on hosts, as administrators keep them: the record says what is wanted, and a pass carries it out, so that a crash or a host
 * that is down delays a pull or a removal and loses none. What does not come to an end by its deadline fails and says why.
 */
import { LRUCache } from 'lru-cache';
import { KeyedQueue } from '../../base/keyed-queue.ts';
import type { Caller } from '../../model/caller.ts';
import { Failure, isFailure } from '../../model/failure.ts';
import { looksLikeUuid, newUuid } from '../../model/ids.ts';
import { type ImageRecord, namesRegistry } from '../../model/registry.ts';
import { findHost, listHosts } from '../../store/container/hosts.ts';
import {
  deleteImage,
  findImage,
  findImageAt,
  imagesInPhase,
  imagesOfProject,
  insertImage,
  updateImage,
} from '../../store/container/images.ts';
import { imageProgress, imagePull, imageRemove, imageSearch } from '../../wire/agent-questions.ts';
import type { ReplyOf } from '../../wire/call.ts';
import { type ContainerContext, nowIso } from './context.ts';
import { downReason } from './hosts.ts';

/** From the request on, waiting for a host that is down included. */
const pullWithinMs = 3_600_000;

export interface PullAsk {
  readonly repo: string;
  readonly tag: string;
  /** Name or uuid. */
  readonly host: string;
}

export type FoundImages = ReplyOf<typeof imageSearch>['images'];

export class ImageKeeper {
  readonly #ctx: ContainerContext;
  readonly #queue = new KeyedQueue();
  readonly #progress = new LRUCache<string, string>({ max: 1_000 });

  constructor(ctx: ContainerContext) {
    this.#ctx = ctx;
  }

  serve(): void {
    this.#ctx.bus.listen(imageProgress, ({ uuid, text }, from) => {
      if (from.kind === 'agent') this.#progress.set(`${from.host} ${uuid}`, text);
    });
  }

  /** How far the pull is; null = nothing is known. */
  progressOf({ host, uuid }: ImageRecord): string | null {
    return this.#progress.get(`${host} ${uuid}`) ?? null;
  }

  kick(uuid: string): void {
    this.#queue
      .run(uuid, () => this.#settle(uuid))
      .catch((error: unknown) => this.#ctx.log.warn({ image: uuid, error }, 'image not settled yet'));
  }

  /** Takes up what is open; does not wait for its end. */
  async pass(): Promise<void> {
    for (const { uuid } of await imagesInPhase(this.#ctx.db, ['pulling', 'deleting'])) this.kick(uuid);
  }

  async #settle(uuid: string): Promise<void> {
    const image = await findImage(this.#ctx.db, uuid);
    if (image?.phase === 'pulling') await this.#pull(image);
    if (image?.phase === 'deleting') await this.#remove(image);
  }

  async #pull(image: ImageRecord): Promise<void> {
    const { db, bus, log } = this.#ctx;
    const { uuid, host } = image;
    try {
      const to = { kind: 'agent', host } as const;
      const request = { uuid, reference: referenceOf(image) };
      const { imageId, sizeBytes } = await bus.call(to, imagePull, request);
      const ready = { phase: 'ready', imageId, size: String(sizeBytes), reason: null } as const;
      await updateImage(db, uuid, { ...ready, inPhase: 'pulling' });
    } catch (error) {
      if (this.#mayWait(image, error)) throw error;
      log.warn({ image: uuid, error }, 'image not pulled');
      await updateImage(db, uuid, { phase: 'error', reason: sayOf(error), inPhase: 'pulling' });
    } finally {
      this.#progress.delete(`${host} ${uuid}`);
    }
  }

  async #remove(image: ImageRecord): Promise<void> {
    const { db, bus } = this.#ctx;
    const { uuid, host } = image;
    try {
      const to = { kind: 'agent', host } as const;
      if (await findHost(db, host)) await bus.call(to, imageRemove, { reference: referenceOf(image) });
      await deleteImage(db, uuid);
    } catch (error) {
      if (!isFailure(error) || isOutage(error)) throw error;
      // It is used: it stays, and says so.
      await updateImage(db, uuid, {
        phase: image.imageId === null ? 'error' : 'ready',
        reason: error.message,
      });
    }
  }

  #mayWait({ createdAt }: ImageRecord, error: unknown): boolean {
    return isOutage(error) && this.#ctx.clock.now().getTime() - Date.parse(createdAt) < pullWithinMs;
  }
}

function isOutage(error: unknown): boolean {
  return (
    isFailure(error, 'unavailable') || isFailure(error, 'timeout') || isFailure(error, 'docker-unavailable')
  );
}

function sayOf(error: unknown): string {
  return isFailure(error) ? error.message : 'The image could not be pulled.';
}

function referenceOf({ repo, tag }: Pick<ImageRecord, 'repo' | 'tag'>): string {
  return tag.startsWith('sha256:') ? `${repo}@${tag}` : `${repo}:${tag}`;
}

export function imageUseCases(ctx: ContainerContext, keeper: ImageKeeper) {
  const { db, policy, bus, clock, config } = ctx;

  async function get(
    caller: Caller,
    ident: string,
    rule: 'image:get_one' | 'image:delete',
  ): Promise<ImageRecord> {
    policy.enforce(caller, rule);
    const image = looksLikeUuid(ident) ? await findImage(db, ident) : undefined;
    if (image?.projectId === caller.projectId) return image;
    throw new Failure('image-not-found', `Image ${ident} could not be found.`);
  }

  return {
    progressOf: (image: ImageRecord) => keeper.progressOf(image),

    /** Those that the caller's project had pulled. */
    list(caller: Caller): Promise<ImageRecord[]> {
      policy.enforce(caller, 'image:get_all');
      return imagesOfProject(db, caller.projectId);
    },

    get: (caller: Caller, ident: string) => get(caller, ident, 'image:get_one'),

    async pull(caller: Caller, { repo, tag, host: ident }: PullAsk): Promise<ImageRecord> {
      policy.enforce(caller, 'image:pull');
      const host = (await listHosts(db)).find(({ name, uuid }) => name === ident || uuid === ident);
      if (!host) throw new Failure('invalid', `The host ${ident} does not exist.`);
      const uuid = newUuid();
      const image = await db.transaction().execute(async (trx) => {
        if (await findImageAt(trx, { repo, tag, host: host.name })) {
          throw new Failure(
            'image-already-exists',
            `An image with tag ${tag} and repo ${repo} already exists.`,
          );
        }
        const fresh = { imageId: null, size: null, phase: 'pulling', reason: null } as const;
        const { projectId } = caller;
        await insertImage(trx, {
          uuid,
          repo,
          tag,
          projectId,
          host: host.name,
          ...fresh,
          createdAt: nowIso(ctx),
        });
        return findImage(trx, uuid);
      });
      if (!image) throw new Error(`image ${uuid} was not stored`);
      keeper.kick(uuid);
      return image;
    },

    async remove(caller: Caller, ident: string): Promise<void> {
      const { uuid } = await get(caller, ident, 'image:delete');
      await updateImage(db, uuid, { phase: 'deleting', reason: null });
      keeper.kick(uuid);
    },

    /** Asks the Engine of any host that is up. */
    async search(caller: Caller, term: string, isExact: boolean): Promise<FoundImages> {
      policy.enforce(caller, 'image:search');
      if (namesRegistry(term)) {
        throw new Failure(
          'invalid-value',
          `Images of ${term.split('/')[0]} cannot be searched for: only docker.io can be.`,
        );
      }
      const up = (await listHosts(db)).find((host) => downReason(host, clock.now(), config) === null);
      if (!up) throw new Failure('host-not-up', 'No host is up that could search.');
      const { images } = await bus.call({ kind: 'agent', host: up.name }, imageSearch, { term });
      return isExact ? images.filter(({ name }) => name === term) : images;
    },
  };
}
