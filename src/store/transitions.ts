import { lifecycle } from '../domain/lifecycle.ts';
import { UNUSED } from '../domain/new-task.ts';
import type { Task, TaskKey, TaskSummaryRow } from '../domain/task.ts';
import { createRecordings } from './recordings.ts';
import { isTypeOpenSql, runnableSql, SET_IDLE, setRunnableSql } from './runnable.ts';
import {
  appendAttemptSql,
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
  for_each: null,
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

const resumed = runnableSql({
  now: '?1',
  scheduledAt: 'scheduled_at',
  queue: 'queue',
  timeoutMs: 'timeout_ms',
});

/** What a cancel sets. @param now SQL of a moment in ms */
export const cancelSetSql = (now: string): string => `status = '${lifecycle.cancel.to}',
  completed_at = ${now},
  ${SET_IDLE},
  attempts = CASE
    WHEN status = '${lifecycle.claim.to}'
    THEN ${appendAttemptSql(`'cancelled'`, 'NULL', now)}
    ELSE attempts
  END`;

/**
 * What a retry sets.
 * @param now SQL of a moment in ms
 * @param blockedBy what its flow says from now on
 */
export const retrySetSql = (now: string, blockedBy = 'NULL'): string => {
  const again = runnableSql({
    now,
    scheduledAt: 'NULL',
    queue: 'queue',
    timeoutMs: 'timeout_ms',
    blockedBy,
  });
  return `status = '${lifecycle.retry.to}',
  max_attempts = attempt + attempt_budget,
  rescues = 0,
  snoozes = 0,
  scheduled_at = NULL,
  completed_at = NULL,
  progress = NULL,
  expires_at = NULL,
  end_reason = NULL,
  ${setRunnableSql(again)}`;
};

/** The columns that each command sets; ?1 is now. */
const COMMAND_SETS = {
  cancel: cancelSetSql('?1'),
  pause: `status = '${lifecycle.pause.to}',
  ${SET_IDLE}`,
  resume: `status = ${resumed.status},
  ${setRunnableSql(resumed)}`,
  retry: retrySetSql('?1'),
} as const;
/** The commands that change a task's status. */
export type StatusCommand = keyof typeof COMMAND_SETS;

const ofNamed = (column: string): string =>
  `CASE WHEN id = ?3 ->> 0 THEN ${column} END AS ${column}`;
/** A whole row of the one that is named. */
const ONE = [
  ...SUMMARY_COLUMNS,
  ...['params', 'result', 'checkpoint', 'identifiers', 'template'].map(ofNamed),
].join(', ');
/** The tasks that a list node made go with it. */
const IDS = 'SELECT value FROM json_each(?3)';
const IDS_AND_ITEMS = `${IDS}
    UNION ALL
    SELECT made.id
    FROM json_each(?3) AS named
    CROSS JOIN tasks AS list ON list.owner = ?2 AND list.id = named.value AND list.for_each IS NOT NULL AND list.item IS NULL
    CROSS JOIN tasks AS made INDEXED BY tasks_by_flow
      ON made.owner = ?2 AND made.flow_id = list.flow_id AND made.node = list.node AND made.item IS NOT NULL`;
/** A task of a flow goes back with what waits for it: see flow-commands.ts. */
const WHICH: Record<StatusCommand, string> = {
  cancel: `id IN (${IDS_AND_ITEMS})`,
  pause: `id IN (${IDS})`,
  resume: `id IN (${IDS})`,
  retry: `id IN (${IDS}) AND flow_id IS NULL`,
};

/** A command on the tasks whose ids are in ?3. */
const commandSql = (name: StatusCommand, returning: string): string =>
  nameStatement(
    `tasks.${name}`,
    `UPDATE tasks
SET ${COMMAND_SETS[name]},
  version = version + 1,
  updated_at = ?1
WHERE owner = ?2
  AND ${WHICH[name]}
  AND ${guardSql(name)}
RETURNING ${returning}`,
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
    const statement = db.prepare(commandSql(name, ONE)).bind(now, owner, JSON.stringify([id]));
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
