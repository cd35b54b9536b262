/**
 * What an error of D1 says about the statement that caused it. D1 has no error classes, only texts:
 * https://developers.cloudflare.com/d1/observability/debug-d1/
 * - `constraint`: a row was refused, by the schema or as malformed JSON; nothing was written
 * - `refused`: D1 did not run it (overloaded, or the statement itself is wrong); nothing was
 * written
 * - `unknown`: it may have been committed; only reading back tells
 */
export type DatabaseFailure = 'constraint' | 'refused' | 'unknown';

const CONSTRAINT =
  /SQLITE_CONSTRAINT|constraint failed|cannot store \w+ value in \w+ column|malformed JSON/i;
const REFUSED =
  /overloaded|too many requests|SQLITE_(ERROR|FULL|READONLY|CORRUPT|NOTADB)|no such (table|column)/i;

export const classifyFailure = (error: unknown): DatabaseFailure => {
  const text =
    error instanceof Error
      ? `${error.message} ${error.cause instanceof Error ? error.cause.message : ''}`
      : String(error);
  if (CONSTRAINT.test(text)) return 'constraint';
  return REFUSED.test(text) ? 'refused' : 'unknown';
};
