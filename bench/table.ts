import type { BenchWorker } from './worker.ts';

const CHUNK = 5_000;

const INSERT = `INSERT INTO tasks (owner, id, status, queue, type, priority, attempt, max_attempts, attempt_budget, version, timeout_ms, submitted_at, started_at, completed_at, updated_at, params, result)
WITH RECURSIVE n(i) AS (VALUES(?2) UNION ALL SELECT i + 1 FROM n WHERE i < ?3 - 1)
SELECT ?1, printf('%08x-%04x-7000-8000-%012x', (1700000000000 + i) / 65536, (1700000000000 + i) % 65536, i), 'COMPLETED', 'default-medium', 'sum', 'MEDIUM', 1, 3, 3, 3, 30000,
  1700000000000 + i, 1700000000001 + i, 1700000000002 + i, 1700000000002 + i, '{"a":5,"b":3}', '{"operation":"sum","a":5,"b":3,"result":8}' FROM n`;

/**
 * Fills the table with finished tasks of an owner, up to so many, all older than any that is
 * submitted now.
 */
export const fillTable = async (
  { db }: BenchWorker,
  owner: string,
  from: number,
  to: number,
): Promise<void> => {
  for (let i = from; i < to; i += CHUNK)
    await db
      .prepare(INSERT)
      .bind(owner, i, Math.min(to, i + CHUNK))
      .run();
};
