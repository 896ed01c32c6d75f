/** True when a statement failed because a row with that key exists: SQLite's and PostgreSQL's way to say it. */
export function isUniqueConflict(error: unknown): boolean {
  if (!(error instanceof Error) || !('code' in error)) return false;
  return ['SQLITE_CONSTRAINT_UNIQUE', 'SQLITE_CONSTRAINT_PRIMARYKEY', '23505'].includes(String(error.code));
}
