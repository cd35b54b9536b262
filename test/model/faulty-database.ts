/** A statement of ours around a real one. */
interface Wrapped extends D1PreparedStatement {
  real: D1PreparedStatement;
}

export interface DatabaseFaults {
  /** The next `times` statements fail, before or after they were carried out. */
  fail: { kind: 'before' | 'after'; times: number } | null;
  /** What a mutant makes of a statement. */
  rewrite: (sql: string) => string;
  /** Called after a statement was carried out and before anybody hears of it. */
  afterward: (sql: string) => void;
}

/**
 * The real database as one generation of the service sees it: it fails when it is told to, and once
 * its generation was killed it never answers again.
 */
export const faultyDatabase = (
  real: D1Database,
  faults: DatabaseFaults,
  isDead: () => boolean,
): D1Database => {
  const carryOut = async <T>(sql: string, work: () => Promise<T>): Promise<T> => {
    if (isDead()) return new Promise<never>(() => {});
    const fault = faults.fail;
    if (fault) {
      fault.times -= 1;
      if (fault.times === 0) faults.fail = null;
      if (fault.kind === 'after') await work();
      throw new Error('D1_ERROR: Network connection lost.');
    }
    const result = await work();
    faults.afterward(sql);
    return isDead() ? new Promise<never>(() => {}) : result;
  };
  const wrap = (sql: string, statement: D1PreparedStatement): Wrapped =>
    ({
      real: statement,
      bind: (...values: unknown[]) => wrap(sql, statement.bind(...values)),
      all: () => carryOut(sql, () => statement.all()),
      raw: () => carryOut(sql, () => statement.raw()),
      run: () => carryOut(sql, () => statement.run()),
      first: (column?: string) =>
        carryOut(sql, () => (column === undefined ? statement.first() : statement.first(column))),
    }) as unknown as Wrapped;
  return {
    prepare: (sql: string) => {
      const rewritten = faults.rewrite(sql);
      return wrap(rewritten, real.prepare(rewritten));
    },
    batch: (statements: Wrapped[]) =>
      carryOut('batch', () => real.batch(statements.map((each) => each.real))),
  } as unknown as D1Database;
};
