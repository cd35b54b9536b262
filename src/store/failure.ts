/**
 * What an error of D1 says about the statement that caused it. D1 has no error classes, only texts:
 * https://developers.cloudflare.com/d1/observability/debug-d1/
 * - `constraint`: a row was refused, by the schema, as malformed JSON or as too big; nothing was
 * written
 * - `full`: the database, or all that the account may store, is full; nothing was written
 * - `refused`: D1 did not run it (overloaded, locked, a limit of the day, or the statement itself is
 * wrong); nothing was written
 * - `unknown`: it may have been committed; only reading back tells
 */
export type DatabaseFailure = 'constraint' | 'full' | 'refused' | 'unknown';

const CONSTRAINT =
  /SQLITE_(CONSTRAINT|TOOBIG|MISMATCH)|constraint failed|cannot store \w+ value in \w+ column|malformed JSON|too big|D1_TYPE_ERROR/i;
const FULL =
  /exceeded maximum DB size|maximum account storage|SQLITE_FULL|database or disk is full/i;
const REFUSED =
  /overloaded|too many requests|daily [\w ]*limit|SQLITE_(ERROR|BUSY|READONLY|CORRUPT|NOTADB|AUTH)|no such (table|column)/i;

export const classifyFailure = (error: unknown): DatabaseFailure => {
  const text =
    error instanceof Error
      ? `${error.message} ${error.cause instanceof Error ? error.cause.message : ''}`
      : String(error);
  if (CONSTRAINT.test(text)) return 'constraint';
  if (FULL.test(text)) return 'full';
  return REFUSED.test(text) ? 'refused' : 'unknown';
};

/** Whether a row was refused because another one has its name. */
export const isUniqueViolation = (error: unknown): boolean =>
  error instanceof Error && /UNIQUE constraint failed/.test(error.message);
