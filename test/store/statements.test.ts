import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { appendAttempt, MAX_ATTEMPTS_KEPT } from '../../src/domain/attempts.ts';
import { computeLeaseMs } from '../../src/domain/lifecycle.ts';
import {
  appendAttemptSql,
  guardSql,
  leaseEndSql,
  nameStatement,
  rowMapper,
  SUMMARY_COLUMNS,
  TASK_COLUMNS,
} from '../../src/store/statements.ts';
import { readStatementName } from '../support/statements.ts';
import { aTask, rowOf, store } from '../support/rows.ts';

it('names a statement so that it can be found again', () => {
  expect(readStatementName(nameStatement('tasks.claim', 'SELECT 1'))).toBe('tasks.claim');
});

it('knows every column once, and a summary all but the long ones', () => {
  expect(Object.keys(aTask()).toSorted()).toEqual([...TASK_COLUMNS].toSorted());
  expect(TASK_COLUMNS.filter((column) => !(SUMMARY_COLUMNS as string[]).includes(column))).toEqual([
    'checkpoint',
    'params',
    'result',
    'identifiers',
    'template',
  ]);
});

it('guards a transition by the statuses of the lifecycle', () => {
  expect(guardSql('retry')).toBe("tasks.status IN ('FAILED', 'CANCELLED')");
});

it('maps lists of values to rows, with what every row has besides', () => {
  const toRow = rowMapper<{ a: number; b: string; c: null }>(['a', 'b'], { c: null });
  expect(toRow([1, 'x'])).toEqual({ a: 1, b: 'x', c: null });
});

it.each([1_000, 60_000, 3_600_000])(
  'computes a lease as the domain does: timeout %d',
  async (ms) => {
    const task = aTask({ timeoutMs: ms });
    await store(task);
    const sql = `SELECT ${leaseEndSql('?1')} AS ends FROM tasks WHERE id = ?2`;
    const ends = await env.DB.prepare(sql).bind(1_000, task.id).first<number>('ends');
    expect(ends).toBe(1_000 + computeLeaseMs(ms));
  },
);

it.each([0, 1, MAX_ATTEMPTS_KEPT])(
  'appends an attempt as the domain does: after %d',
  async (kept) => {
    const before = JSON.stringify(
      Array.from({ length: kept }, (_, attempt) => ({
        attempt,
        started_at: 1,
        ended_at: 2,
        outcome: 'failed',
        error: null,
      })),
    );
    const task = aTask();
    await store(task);
    const set = `UPDATE tasks SET attempts = ?1, attempt = 3, started_at = 5 WHERE id = ?2`;
    await env.DB.prepare(set).bind(before, task.id).run();
    const row = await rowOf(task.id);
    const sql = `SELECT ${appendAttemptSql("'rescued'", 'NULL', '9')} AS attempts FROM tasks WHERE id = ?`;
    const attempts = await env.DB.prepare(sql).bind(task.id).first<string>('attempts');
    const expected = appendAttempt(row, { ended_at: 9, outcome: 'rescued', error: null });
    expect(JSON.parse(attempts ?? '')).toEqual(JSON.parse(expected));
  },
);
