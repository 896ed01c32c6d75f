/** Queries on the tokens that open consoles. A token itself is never stored: its hash finds it. */
import type { DbOrTrx } from '../database.ts';

export interface ConsoleToken {
  readonly hash: string;
  readonly containerUuid: string;
  /** The command that it opens; null = the container's own process. */
  readonly execId: string | null;
  readonly projectId: string;
  readonly userId: string;
  /** Of the user in the project when it was made; null = nobody can tell. */
  readonly standing: string | null;
  readonly expiresAt: string;
}

export async function insertConsoleToken(db: DbOrTrx, token: ConsoleToken): Promise<void> {
  await db
    .insertInto('console_tokens')
    .values({
      hash: token.hash,
      container_uuid: token.containerUuid,
      exec_id: token.execId,
      project_id: token.projectId,
      user_id: token.userId,
      standing: token.standing,
      expires_at: token.expiresAt,
    })
    .execute();
}

/** Of one container, those that still count. */
export async function countConsoleTokens(db: DbOrTrx, containerUuid: string, now: string): Promise<number> {
  const { count } = await db
    .selectFrom('console_tokens')
    .select((eb) => eb.fn.countAll().as('count'))
    .where('container_uuid', '=', containerUuid)
    .where('expires_at', '>', now)
    .executeTakeFirstOrThrow();
  return Number(count);
}

export interface ConsoleTokenUse extends Pick<ConsoleToken, 'hash' | 'containerUuid' | 'execId'> {
  readonly now: string;
}

/** Whoever asks first gets it; it is gone then. Undefined = there is none, for just this, that still counts. */
export async function takeConsoleToken(
  db: DbOrTrx,
  { hash, containerUuid, execId, now }: ConsoleTokenUse,
): Promise<ConsoleToken | undefined> {
  const row = await db
    .deleteFrom('console_tokens')
    .where('hash', '=', hash)
    .where('container_uuid', '=', containerUuid)
    .where('exec_id', execId === null ? 'is' : '=', execId)
    .where('expires_at', '>', now)
    .returningAll()
    .executeTakeFirst();
  return (
    row && {
      hash,
      containerUuid,
      execId,
      projectId: row.project_id,
      userId: row.user_id,
      standing: row.standing,
      expiresAt: row.expires_at,
    }
  );
}

export async function forgetExpiredConsoleTokens(db: DbOrTrx, now: string): Promise<void> {
  await db.deleteFrom('console_tokens').where('expires_at', '<=', now).execute();
}
