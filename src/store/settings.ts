/**
 * What an installation decides once and keeps for good: its id, the key that signs tokens.
 *
 * Not configuration (the operator's wishes live in base/config.ts). A value is made once by whoever asks first,
 * is never changed afterwards, and may be a secret: it goes to nobody but the code that asked for it by key.
 */
import { newHexId } from '../model/ids.ts';
import type { DbOrTrx } from './database.ts';

/**
 * The value stored under `key`; the first caller's `make()` decides it. Safe against several processes that
 * ask at once: all of them get the value that was stored first.
 */
export async function ensureSetting(db: DbOrTrx, key: string, make: () => string): Promise<string> {
  const stored = await findSetting(db, key);
  if (stored !== undefined) return stored;
  await db
    .insertInto('settings')
    .values({ key, value: make() })
    .onConflict((conflict) => conflict.column('key').doNothing())
    .execute();
  const value = await findSetting(db, key);
  if (value === undefined) throw new Error(`setting ${key} vanished while it was being made`);
  return value;
}

export async function findSetting(db: DbOrTrx, key: string): Promise<string | undefined> {
  const row = await db.selectFrom('settings').select('value').where('key', '=', key).executeTakeFirst();
  return row?.value;
}

/** 32 hexadecimal digits that name this installation, made at its first start (model/host-names.ts uses them). */
export function ensureInstanceId(db: DbOrTrx): Promise<string> {
  return ensureSetting(db, 'instance-id', newHexId);
}
