/**
 * A create that happens once, however often it is sent: its key is stored in the transaction that stores the container.
 *
 * The same key with the same request means the container that it made; with another request it is refused. Keys are a project's, and
 * are kept for a day.
 */
import type { Caller } from '../../model/caller.ts';
import type { Container } from '../../model/container-record.ts';
import { Failure } from '../../model/failure.ts';
import { findContainer } from '../../store/container/containers.ts';
import { findCreateKey, insertCreateKey } from '../../store/container/create-keys.ts';
import type { DbOrTrx, Trx } from '../../store/database.ts';
import type { ContainerContext } from './context.ts';

const keptForMs = 24 * 3_600_000;

export interface Once {
  readonly key: string;
  /** Of what is asked. */
  readonly fingerprint: string;
}

/** What the key has made. Throws `conflict` when that was something else, or has gone. */
export async function madeBefore(
  { clock }: Pick<ContainerContext, 'clock'>,
  db: DbOrTrx,
  { projectId }: Caller,
  once: Once | undefined,
): Promise<Container | undefined> {
  const known = once && (await findCreateKey(db, projectId, once.key));
  if (!known || known.createdAt < cutoffOf(clock.now())) return undefined;
  if (known.fingerprint !== once.fingerprint) {
    throw new Failure('conflict', `The Idempotency-Key ${once.key} was used for another request.`);
  }
  const container = await findContainer(db, known.containerUuid);
  if (container) return container;
  throw new Failure('conflict', `The container that was made with the Idempotency-Key ${once.key} is gone.`);
}

export async function remember(
  { clock }: Pick<ContainerContext, 'clock'>,
  trx: Trx,
  { projectId, uuid, createdAt }: Container,
  once: Once | undefined,
): Promise<void> {
  if (!once) return;
  await insertCreateKey(trx, { ...once, projectId, containerUuid: uuid, createdAt }, cutoffOf(clock.now()));
}

function cutoffOf(now: Date): string {
  return new Date(now.getTime() - keptForMs).toISOString();
}
