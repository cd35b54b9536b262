import { withTimeout } from '../domain/timeout.ts';
import { repeatLocked } from './locked.ts';

// D1's client waits for ever, and stalls of 80 s are reported. Whoever asks hears in time that
// there is no answer; what was asked may still be done.

/** How long an answer may take, ms. */
export interface DatabaseTimeouts {
  read: number;
  write: number;
}

const DATABASE_TIMEOUTS: DatabaseTimeouts = { read: 5_000, write: 15_000 };

type Ask = <T>(isRead: boolean, work: () => Promise<T>) => Promise<T>;

const WRITES = /\b(?:insert|update|delete|replace|create|alter|drop)\b/i;
const COMMENT = /\/\*.*?\*\//gs;

/** Whether a statement may change anything: its name, a comment, does not count. */
const isWrite = (sql: string): boolean => WRITES.test(sql.replace(COMMENT, ''));

/** A statement whose answer is not waited for longer than it may take. */
class TimedStatement {
  readonly statement: D1PreparedStatement;
  readonly isRead: boolean;
  readonly ask: Ask;

  constructor(statement: D1PreparedStatement, isRead: boolean, ask: Ask) {
    this.statement = statement;
    this.isRead = isRead;
    this.ask = ask;
  }

  bind(...values: unknown[]): TimedStatement {
    return new TimedStatement(this.statement.bind(...values), this.isRead, this.ask);
  }
  all(): Promise<D1Result> {
    return this.ask(this.isRead, () => this.statement.all());
  }
  run(): Promise<D1Result> {
    return this.ask(this.isRead, () => this.statement.run());
  }
  raw(...options: []): Promise<unknown[]> {
    return this.ask(this.isRead, () => this.statement.raw(...options));
  }
  first(...column: []): Promise<unknown> {
    return this.ask(this.isRead, () => this.statement.first(...column));
  }
}

/** Whether a text is a read is found out once. */
const MAX_KNOWN = 1_000;

/**
 * The same database, which answers in time or not at all: then its promise is rejected, and nobody
 * knows what was done. While another process writes to a local one, it is asked again.
 */
export const timeDatabase = (
  db: D1Database,
  { read, write }: DatabaseTimeouts = DATABASE_TIMEOUTS,
): D1Database => {
  const known = new Map<string, boolean>();
  const findIsRead = (sql: string): boolean => {
    const found = known.get(sql);
    if (found !== undefined) return found;
    if (known.size >= MAX_KNOWN) known.clear();
    const isRead = !isWrite(sql);
    known.set(sql, isRead);
    return isRead;
  };
  const ask: Ask = (isRead, work) => withTimeout(isRead ? read : write, repeatLocked(isRead, work));
  const timed = {
    prepare: (sql: string) => new TimedStatement(db.prepare(sql), findIsRead(sql), ask),
    batch: (statements: readonly TimedStatement[]) =>
      ask(
        statements.every((each) => each.isRead),
        () => db.batch(statements.map(({ statement }) => statement)),
      ),
    exec: (sql: string) => ask(findIsRead(sql), () => db.exec(sql)),
    withSession: (...session: Parameters<D1Database['withSession']>) => db.withSession(...session),
  };
  return timed as unknown as D1Database;
};
