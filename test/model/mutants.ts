import { RESEND_AFTER_MS } from '../../src/domain/new-task.ts';
import type { Recorder } from '../../src/engine/recorder.ts';
import { type TaskSummaryRow } from '../../src/domain/task.ts';
import { decideVerdict } from '../../src/domain/retry.ts';
import { runnableSql } from '../../src/store/runnable.ts';
import { readStatementName } from '../support/statements.ts';
import type { Mutation } from './world.ts';

/**
 * A rewriting of one statement. It says so when it found nothing to rewrite: a mutant that changes
 * nothing proves nothing.
 */
export const rewriting = (name: string, from: string, to: string): Mutation => {
  let misfit: string | null = null;
  return {
    rewrite: (sql) => {
      if (readStatementName(sql) !== name) return sql;
      // Not thrown here, where it would pass for a failure of the database.
      if (!sql.includes(from)) misfit = from;
      return sql.replace(from, to);
    },
    misfit: () => misfit,
  };
};

/**
 * The classic bug: what is due is read first, and written by id when another writer may have been faster.
 */
const readsThenWrites: Mutation = {
  sweeps: (real, database, meanwhile) => ({
    ...real,
    sweep: async (now, limit, looks) => {
      const due = await database
        .prepare(
          "SELECT * FROM tasks WHERE status = 'IN_PROGRESS' AND max(wake_at, started_at + 15000) <= ? AND rescues < 3",
        )
        .bind(now)
        .all<TaskSummaryRow>();
      if (due.results.length > 0) await meanwhile();
      const rescued: TaskSummaryRow[] = [];
      for (const row of due.results) {
        const { results } = await database
          .prepare(
            `UPDATE tasks SET status = 'PENDING', held = NULL, rescues = rescues + 1, version = version + 1, completed_at = NULL, result = NULL, wake_at = ?,
              attempts = json_insert(attempts, '$[#]', json_object('attempt', attempt, 'outcome', 'rescued')) WHERE id = ? RETURNING *`,
          )
          .bind(now + RESEND_AFTER_MS, row.id)
          .all<TaskSummaryRow>();
        rescued.push(...results);
      }
      const swept = await real.sweep(now, limit, looks);
      return { ...swept, rescued: [...swept.rescued, ...rescued] };
    },
  }),
};

/** Tells the consumer what follows, and so has the message settled, before the row is written. */
const acksBeforeCommit: Mutation = {
  recorder: (real): Recorder => ({
    forBatch: (...of) => {
      const batch = real.forBatch(...of);
      return {
        ...batch,
        record: async (task, outcome) => {
          await batch.record(task, outcome).catch(() => {});
          const policy = { maxAttempts: 2, baseSeconds: 4, maxSeconds: 8 };
          return { verdict: decideVerdict(outcome, task, policy, () => 0.5), row: null };
        },
      };
    },
  }),
};

const rescued = runnableSql({
  now: '?1',
  scheduledAt: 'NULL',
  queue: 'queue',
  timeoutMs: 'timeout_ms',
});

/** Bugs that the model must find, by name. They live here: the source knows nothing of them. */
export const mutants: Record<string, Mutation> = {
  'no fence on attempt': rewriting('tasks.record', 'AND tasks.attempt = o.value ->> 2', ''),
  'attempt reset by a retry': rewriting(
    'tasks.retry',
    'max_attempts = attempt + attempt_budget',
    'attempt = 0, max_attempts = attempt_budget',
  ),
  'sweep that reads and then writes by id': readsThenWrites,
  'ack before commit': acksBeforeCommit,
  'insert without ON CONFLICT': rewriting('tasks.insert', 'ON CONFLICT DO NOTHING', ''),
  'cancel that does not fence': rewriting(
    'tasks.cancel',
    "AND tasks.status IN ('NEW', 'PENDING', 'PAUSED', 'IN_PROGRESS')",
    '',
  ),
  'finish that overrides a cancel': rewriting(
    'tasks.record',
    "AND tasks.status IN ('IN_PROGRESS')",
    '',
  ),
  'a direct run that no lease brings back': rewriting(
    'tasks.insert_direct',
    ".wake_at'",
    ".wake_at' + 900000000000000",
  ),
  'a direct run that is told before it is stored': {
    inserts:
      (real) =>
      async (rows, direct = []) =>
        real(rows, direct).catch((error: unknown) => {
          if (direct.length === 0) throw error;
          const ids = direct.map((row) => (JSON.parse(row) as string[])[1] ?? '');
          return new Map(ids.map((id) => [id, 'lease' as const]));
        }),
  },
  'alarm set after the insert': { alarmAfterInsert: true },
  'an outcome that is said to be kept, and is not': { forgetsKept: true },
  'claim that takes an expired lease without counting a rescue': rewriting(
    'tasks.claim',
    "tasks.status IN ('PENDING')",
    "(tasks.status IN ('PENDING') OR (tasks.status = 'IN_PROGRESS' AND tasks.wake_at <= ?1))",
  ),
  'parking that forgets': rewriting(
    'sweep.next_wake',
    "EXISTS (SELECT 1 FROM tasks INDEXED BY tasks_due WHERE held = 'queue' AND queue = j.value)",
    '0',
  ),
  'an insert that goes around the one place for what is runnable': rewriting(
    'tasks.insert',
    `THEN 'time'`,
    'THEN NULL',
  ),
  'a rescue that goes around it': rewriting(
    'sweep.rescue',
    `held = ${rescued.held}`,
    `held = 'lease'`,
  ),
  'a settle that is not fenced': { settles: 'any attempt' },
  'an answer without a token, which says itself what task it is for': { settles: 'any task' },
  'a lease that renews after a cancel': rewriting(
    'leases.renew_outside',
    "AND tasks.status IN ('IN_PROGRESS')",
    '',
  ),
  'a lease that renews past the timeout': rewriting(
    'leases.renew_outside',
    ', tasks.started_at + tasks.timeout_ms)',
    ', 9e15)',
  ),
  'a clock that forgets what waits for workers': rewriting(
    'sweep.next_wake',
    "EXISTS (SELECT 1 FROM tasks INDEXED BY tasks_for_workers WHERE held = 'worker' AND owner > '')",
    '0',
  ),
  'a clock that forgets deliveries': rewriting(
    'sweep.next_wake',
    '(SELECT min(wake_at) FROM deliveries WHERE wake_at IS NOT NULL)',
    'NULL',
  ),
};
