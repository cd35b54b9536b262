import { withTimeout } from '../domain/timeout.ts';

// D1's client waits for ever, and stalls of 80 s are reported. Whoever asks hears in time that
// there is no answer; what was asked may still be done.

/** How long an answer may take, ms. */
export interface DatabaseTimeouts {
  read: number;
  write: number;
}

const DATABASE_TIMEOUTS: DatabaseTimeouts = { read: 5_000, write: 15_000 };

const WRITES = /\b(?:insert|update|delete|replace|create|alter|drop)\b/i;
const COMMENT = /\/\*.*?\*\//gs;

/** Whether a statement may change anything: its name, a comment, does not count. */
const isWrite = (sql: string): boolean => WRITES.test(sql.replace(COMMENT, ''));

/** A statement whose answer is not waited for longer than it may take. */
class TimedStatement {
  readonly statement: D1PreparedStatement;
  readonly timeoutMs: number;

  constructor(statement: D1PreparedStatement, timeoutMs: number) {
    this.statement = statement;
    this.timeoutMs = timeoutMs;
  }

  bind(...values: unknown[]): TimedStatement {
    return new TimedStatement(this.statement.bind(...values), this.timeoutMs);
  }
  all(): Promise<D1Result> {
    return withTimeout(this.timeoutMs, this.statement.all());
  }
  run(): Promise<D1Result> {
    return withTimeout(this.timeoutMs, this.statement.run());
  }
  raw(...options: []): Promise<unknown[]> {
    return withTimeout(this.timeoutMs, this.statement.raw(...options));
  }
  first(...column: []): Promise<unknown> {
    return withTimeout(this.timeoutMs, this.statement.first(...column));
  }
}

/** Whether a text is a write is found out once. */
const MAX_KNOWN = 1_000;

/**
 * The same database, which answers in time or not at all: then its promise is rejected, and nobody
 * knows what was done.
 */
export const timeDatabase = (
  db: D1Database,
  { read, write }: DatabaseTimeouts = DATABASE_TIMEOUTS,
): D1Database => {
  const known = new Map<string, number>();
  const findTimeout = (sql: string): number => {
    const found = known.get(sql);
    if (found !== undefined) return found;
    if (known.size >= MAX_KNOWN) known.clear();
    const timeoutMs = isWrite(sql) ? write : read;
    known.set(sql, timeoutMs);
    return timeoutMs;
  };
  const timed = {
    prepare: (sql: string) => new TimedStatement(db.prepare(sql), findTimeout(sql)),
    batch: (statements: readonly TimedStatement[]) =>
      withTimeout(write, db.batch(statements.map(({ statement }) => statement))),
    exec: (sql: string) => withTimeout(write, db.exec(sql)),
    withSession: (...session: Parameters<D1Database['withSession']>) => db.withSession(...session),
  };
  return timed as unknown as D1Database;
};
