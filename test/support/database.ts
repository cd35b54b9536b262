import { env } from 'cloudflare:workers';
import { vi } from 'vitest';
import { readStatementName } from './statements.ts';

// Looks at, and disturbs, what the Worker and its objects ask of the real database: they share
// these two classes.
const database = Object.getPrototypeOf(env.DB) as D1Database;
const statement = Object.getPrototypeOf(env.DB.prepare('SELECT 1')) as D1PreparedStatement;

const session = Object.getPrototypeOf(env.DB.withSession()) as D1DatabaseSession;

interface AskedStatement {
  /** Its name, or the text of one that the query builder made. */
  name: string;
  sql: string;
  rowsRead: number;
  rowsWritten: number;
  /** Of what was returned, as JSON. */
  bytes: number;
}

/** Everything asked of the database from now on, with what it cost, until `stop`. */
export const observeDatabase = () => {
  const asked: AskedStatement[] = [];
  const texts = new WeakMap<D1PreparedStatement, string>();
  const note = (of: D1PreparedStatement, { meta, results }: D1Result): void => {
    const sql = texts.get(of) ?? '?';
    asked.push({
      name: readStatementName(sql),
      sql,
      rowsRead: meta.rows_read,
      rowsWritten: meta.rows_written,
      bytes: JSON.stringify(results).length,
    });
  };
  const { prepare, batch } = database;
  const { prepare: prepareInSession } = session;
  const { bind, all, run } = statement;
  const spies = [
    vi.spyOn(database, 'prepare').mockImplementation(function (this: D1Database, sql) {
      const prepared = prepare.call(this, sql);
      texts.set(prepared, sql);
      return prepared;
    }),
    vi.spyOn(session, 'prepare').mockImplementation(function (this: D1DatabaseSession, sql) {
      const prepared = prepareInSession.call(this, sql);
      texts.set(prepared, sql);
      return prepared;
    }),
    vi.spyOn(statement, 'bind').mockImplementation(function (this: D1PreparedStatement, ...values) {
      const bound = bind.apply(this, values);
      texts.set(bound, texts.get(this) ?? '?');
      return bound;
    }),
    vi.spyOn(statement, 'all').mockImplementation(async function (this: D1PreparedStatement) {
      const result = await all.call(this);
      note(this, result);
      return result;
    }),
    vi.spyOn(statement, 'run').mockImplementation(async function (this: D1PreparedStatement) {
      const result = await run.call(this);
      note(this, result);
      return result;
    }),
    vi.spyOn(statement, 'raw').mockImplementation(async function (this: D1PreparedStatement) {
      const result = await all.call(this);
      note(this, result);
      return result.results.map((row) => Object.values(row as object)) as never;
    }),
    vi.spyOn(statement, 'first').mockImplementation(async function (
      this: D1PreparedStatement,
      column?: string,
    ) {
      const result = await all.call(this);
      note(this, result);
      const row = (result.results[0] ?? null) as Record<string, unknown> | null;
      return column === undefined ? row : row?.[column];
    }),
    vi.spyOn(database, 'batch').mockImplementation(async function (
      this: D1Database,
      statements: D1PreparedStatement[],
    ) {
      const results = await batch.call(this, statements);
      results.forEach((result, i) => note(statements[i] as D1PreparedStatement, result));
      return results;
    }),
  ];
  return { asked, stop: () => spies.forEach((spy) => spy.mockRestore()) };
};

type Fault = 'before' | 'after';

/**
 * Makes the next `times` statements of that name (null: of any) fail: `before`, with nothing done;
 * or `after` they were committed, so that only the answer is lost.
 */
export const breakDatabase = (
  name: string | null,
  fault: Fault,
  { message = 'Network connection lost.', times = Infinity } = {},
) => {
  const { prepare } = database;
  const { prepare: prepareInSession } = session;
  const { bind, all } = statement;
  const doomed = new WeakSet<D1PreparedStatement>();
  let left = times;
  const fail = async (work: () => Promise<unknown>): Promise<never> => {
    left -= 1;
    if (fault === 'after') await work();
    throw new Error(`D1_ERROR: ${message}`);
  };
  const spies = [
    vi.spyOn(database, 'prepare').mockImplementation(function (this: D1Database, sql) {
      const prepared = prepare.call(this, sql);
      if (name === null || readStatementName(sql) === name) doomed.add(prepared);
      return prepared;
    }),
    vi.spyOn(session, 'prepare').mockImplementation(function (this: D1DatabaseSession, sql) {
      const prepared = prepareInSession.call(this, sql);
      if (name === null || readStatementName(sql) === name) doomed.add(prepared);
      return prepared;
    }),
    vi.spyOn(statement, 'bind').mockImplementation(function (this: D1PreparedStatement, ...values) {
      const bound = bind.apply(this, values);
      if (doomed.has(this)) doomed.add(bound);
      return bound;
    }),
    ...(['all', 'first', 'raw'] as const).map((method) => {
      const original = statement[method];
      return vi.spyOn(statement, method).mockImplementation(async function (
        this: D1PreparedStatement,
        ...args: unknown[]
      ) {
        if (doomed.has(this) && left > 0) return fail(() => all.call(this));
        return original.apply(this, args as never);
      });
    }),
  ];
  return { mend: () => spies.forEach((spy) => spy.mockRestore()) };
};
