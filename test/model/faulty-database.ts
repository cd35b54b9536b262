/** What D1 says, and whether it had carried the statement out. */
const TEXTS = {
  before: 'D1_ERROR: Network connection lost.',
  after: 'D1_ERROR: Network connection lost.',
  overload: 'D1_ERROR: D1 DB is overloaded. Requests queued for too long.',
  reset: 'D1_ERROR: D1 DB exceeded its memory limit and was reset.',
  full: 'D1_ERROR: Exceeded maximum DB size.',
} as const;
export type FaultKind = keyof typeof TEXTS;

/** Whether an error is one of these faults. */
export const isFault = (error: unknown): boolean =>
  error instanceof Error && (Object.values(TEXTS) as string[]).includes(error.message);

/** A statement of ours around a real one. */
interface Wrapped extends D1PreparedStatement {
  real: D1PreparedStatement;
}

export interface DatabaseFaults {
  /**
   * The next `times` statements fail, before or after they were carried out, with production's texts.
   * A `full` database takes no insert, and everything else.
   */
  fail: { kind: FaultKind; times: number } | null;
  /** What a mutant makes of a statement. */
  rewrite: (sql: string) => string;
  /** Called after a statement was carried out and before anybody hears of it. */
  afterward: (sql: string) => void | Promise<void>;
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
    const isHit = fault?.kind !== 'full' || sql.includes('tasks.insert');
    if (fault && isHit) {
      fault.times -= 1;
      if (fault.times === 0) faults.fail = null;
      if (fault.kind === 'after') await work();
      throw new Error(TEXTS[fault.kind]);
    }
    const result = await work();
    const meanwhile = faults.afterward(sql);
    if (meanwhile) await meanwhile;
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
