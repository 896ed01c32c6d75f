/** Queries of tokens that were revoked before their time. Everything else that kills a token is looked up live. */
import type { DbOrTrx } from '../database.ts';

/** Also forgets revocations of tokens that have expired by `now`, so that the table stays small. */
export async function revokeToken(
  db: DbOrTrx,
  token: { readonly auditId: string; readonly expiresAt: Date },
  now: Date,
): Promise<void> {
  await db
    .insertInto('revoked_tokens')
    .values({ audit_id: token.auditId, expires_at: token.expiresAt.toISOString() })
    .onConflict((conflict) => conflict.column('audit_id').doNothing())
    .execute();
  await db.deleteFrom('revoked_tokens').where('expires_at', '<', now.toISOString()).execute();
}

export async function isRevoked(db: DbOrTrx, auditId: string): Promise<boolean> {
  const row = await db
    .selectFrom('revoked_tokens')
    .select('audit_id')
    .where('audit_id', '=', auditId)
    .executeTakeFirst();
  return row !== undefined;
}
