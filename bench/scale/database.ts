import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import type { Assumptions } from './assumptions.ts';
import type { VirtualTime } from './virtual-time.ts';

/** What was asked of a database. */
interface DatabaseUse {
  statements: number;
  rowsChanged: number;
  /** ms in which its thread worked. */
  busyMs: number;
}

const FOLDER = join(import.meta.dirname, '../../migrations');
const MIGRATIONS = readdirSync(FOLDER)
  .filter((file) => file.endsWith('.sql'))
  .toSorted()
  .map((file) => readFileSync(join(FOLDER, file), 'utf8'));

interface Prepared {
  sql: string;
  values: readonly unknown[];
}

const toInput = (value: unknown): SQLInputValue =>
  typeof value === 'boolean' ? Number(value) : (value as SQLInputValue);

/**
 * A database with the real schema, in memory, which answers as D1 does: one statement at a time, after the
 * way there and back.
 */
export const createDatabase = (time: VirtualTime, assumed: Assumptions, random: () => number) => {
  const sqlite = new DatabaseSync(':memory:');
  for (const migration of MIGRATIONS) sqlite.exec(migration);
  const prepared = new Map<string, ReturnType<DatabaseSync['prepare']>>();
  const use: DatabaseUse = { statements: 0, rowsChanged: 0, busyMs: 0 };
  /** When its thread is free. */
  let freeAt = 0;
  let stallAt =
    assumed.stallsAnHour === 0
      ? Infinity
      : time.now() + (random() * 3_600_000) / assumed.stallsAnHour;

  const execute = ({ sql, values }: Prepared, isRaw: boolean) => {
    const statement = prepared.get(sql) ?? sqlite.prepare(sql);
    prepared.set(sql, statement);
    statement.setReturnArrays(isRaw);
    const before = Number(sqlite.prepare('SELECT total_changes() AS n').get()?.['n'] ?? 0);
    const results = statement.all(...values.map(toInput));
    const after = Number(sqlite.prepare('SELECT total_changes() AS n').get()?.['n'] ?? 0);
    const changes = after - before;
    use.statements += 1;
    use.rowsChanged += changes;
    const meta = { changes, rows_written: changes, rows_read: 0, size_after: 0 };
    return { results, meta, success: true };
  };

  /** Waits for its turn, and for the thread; the statements are carried out when their time has come. */
  const ask = async <Answer>(
    run: () => { answer: Answer; changes: number; statements: number },
  ) => {
    await time.wait(assumed.databaseWayMs / 2);
    if (time.now() >= stallAt) {
      freeAt = Math.max(freeAt, time.now() + assumed.stallMs);
      stallAt += 3_600_000 / assumed.stallsAnHour;
    }
    const startAt = Math.max(time.now(), freeAt);
    // Held from now on: who comes next waits behind it.
    freeAt = startAt;
    const { answer, changes, statements } = run();
    const ms = statements * assumed.statementMs + changes * assumed.rowMs;
    freeAt = startAt + ms;
    use.busyMs += ms;
    await time.wait(freeAt - time.now() + assumed.databaseWayMs / 2);
    return answer;
  };
  const askOne = <Answer>(statement: Prepared, isRaw: boolean, map: (rows: unknown[]) => Answer) =>
    ask(() => {
      const { results, meta } = execute(statement, isRaw);
      return { answer: { mapped: map(results), meta }, changes: meta.changes, statements: 1 };
    });

  class Statement {
    readonly of: Prepared;
    constructor(of: Prepared) {
      this.of = of;
    }
    bind(...values: unknown[]): Statement {
      return new Statement({ ...this.of, values });
    }
    async all(): Promise<unknown> {
      const { mapped, meta } = await askOne(this.of, false, (rows) => rows);
      return { results: mapped, meta, success: true };
    }
    run(): Promise<unknown> {
      return this.all();
    }
    async raw(): Promise<unknown> {
      return (await askOne(this.of, true, (rows) => rows)).mapped;
    }
    async first(column?: string): Promise<unknown> {
      const { mapped } = await askOne(this.of, false, ([row]) => row as Record<string, unknown>);
      return column === undefined ? (mapped ?? null) : (mapped?.[column] ?? null);
    }
  }
  const d1 = {
    prepare: (sql: string) => new Statement({ sql, values: [] }),
    batch: (statements: Statement[]) =>
      ask(() => {
        sqlite.exec('BEGIN');
        try {
          const answer = statements.map(({ of }) => execute(of, false));
          sqlite.exec('COMMIT');
          const changes = answer.reduce((sum, { meta }) => sum + meta.changes, 0);
          return { answer, changes, statements: statements.length };
        } catch (error) {
          sqlite.exec('ROLLBACK');
          throw error;
        }
      }),
    withSession: () => d1,
  };
  const findEnd = sqlite.prepare('SELECT 1 FROM tasks WHERE id = ?1 AND completed_at IS NOT NULL');
  return {
    d1: d1 as unknown as D1Database,
    use,
    /** Whether a task has ended by what is written, whoever heard of it. */
    hasEnded: (id: string): boolean => findEnd.get(id) !== undefined,
    close: () => sqlite.close(),
  };
};
