import { lifecycle } from '../domain/lifecycle.ts';
import { UNUSED } from '../domain/new-task.ts';
import type { Task, TaskKey, TaskSummaryRow } from '../domain/task.ts';
import { createRecordings } from './recordings.ts';
import { commandSql, WHOLE_NAMED, type StatusCommand } from './command-sql.ts';
import { isTypeOpenSql } from './runnable.ts';
import {
  claimSetSql,
  encodeKeys,
  guardSql,
  nameStatement,
  rowMapper,
  SUMMARY_COLUMNS,
} from './statements.ts';

/** A queue's delays are whole seconds and its clock is not ours: a task is due this early. */
const CLAIM_TOLERANCE_MS = 1_000;

/**
 * Columns that a claim sets, can only meet with this value, or leaves to those who look for a task:
 * they are not read back.
 */
const CLAIMED_AS = {
  ...UNUSED,
  status: lifecycle.claim.to,
  held: null,
  progress: null,
  result: null,
  completed_at: null,
  reused_from: null,
  identifiers: null,
  turn: null,
  unique_key: null,
  unique_ms: null,
  template: null,
  delay_ms: null,
} as const satisfies Partial<Task>;
const CLAIM_COLUMNS = [...SUMMARY_COLUMNS, 'params' as const, 'checkpoint' as const].filter(
  (column) => !(column in CLAIMED_AS),
);
const toClaimedTask = rowMapper<Task>(CLAIM_COLUMNS, CLAIMED_AS);

const CLAIM = nameStatement(
  'tasks.claim',
  `UPDATE tasks
SET ${claimSetSql('?1')}
FROM json_each(?2) AS m
WHERE tasks.owner = m.value ->> 'owner'
  AND tasks.id = m.value ->> 'id'
  AND ${guardSql('claim')}
  AND tasks.held IS NULL
  AND ${isTypeOpenSql('?1')}
  AND (tasks.scheduled_at IS NULL OR tasks.scheduled_at <= ?1 + ?3)
  AND (tasks.expires_at IS NULL OR tasks.attempt > 0 OR tasks.expires_at > ?1)
  AND tasks.attempt < tasks.max_attempts + tasks.rescues
  AND (tasks.rescues = 0 OR ?4)
  AND NOT EXISTS (SELECT 1 FROM queues WHERE queues.name = tasks.queue)
RETURNING ${CLAIM_COLUMNS.map((column) => `tasks.${column}`).join(', ')}`,
);

/**
 * The writes that move a task from one status to another as it runs; the clock's are in sweeps.ts.
 * Each is one guarded statement. No row back means that another writer was faster, which is normal.
 * Triggers write the deliveries of a final status, in the same transaction.
 * @param failureSinks where every failure is delivered to, as a JSON list; null for nowhere
 */
export const createTransitions = (db: D1Database, failureSinks: string | null = null) => ({
  /**
   * Takes those of `keys` that are due, one attempt more each, under a lease.
   * @param isolated also those that were rescued once
   */
  async claim(keys: readonly TaskKey[], now: number, isolated: boolean): Promise<Task[]> {
    const bound = [now, encodeKeys(keys), CLAIM_TOLERANCE_MS, isolated ? 1 : 0];
    const statement = db.prepare(CLAIM).bind(...bound);
    return (await statement.raw()).map(toClaimedTask);
  },

  /**
   * Carries out a command on one task, and on those that it made if it is a list node. Null when it is
   * not there or its status forbids it.
   */
  async command(
    name: StatusCommand,
    owner: string,
    id: string,
    now: number,
  ): Promise<{ task: Task; made: TaskSummaryRow[] } | null> {
    const statement = db
      .prepare(commandSql(name, WHOLE_NAMED))
      .bind(now, owner, JSON.stringify([id]));
    const { results } = await statement.all<Task>();
    const task = results.find((row) => row.id === id);
    return task ? { task, made: results.filter((row) => row !== task) } : null;
  },

  /** The same on many, by their ids. Returns those that it changed, without their long parts. */
  async commandMany(
    name: StatusCommand,
    owner: string,
    ids: readonly string[],
    now: number,
  ): Promise<TaskSummaryRow[]> {
    const sql = commandSql(name, SUMMARY_COLUMNS.join(', '));
    const statement = db.prepare(sql).bind(now, owner, JSON.stringify(ids));
    return (await statement.all<TaskSummaryRow>()).results;
  },

  ...createRecordings(db, failureSinks),
});

export type Transitions = ReturnType<typeof createTransitions>;
