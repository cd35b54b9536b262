import { sql } from 'drizzle-orm';

/** Words as a list of SQL literals. */
export const toSqlLiterals = (words: readonly string[]) =>
  sql.raw(words.map((word) => `'${word}'`).join(', '));
