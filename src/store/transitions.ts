import { appendAttempt } from '../domain/attempts.ts';
import { chunk } from '../domain/chunk.ts';
import { lifecycle } from '../domain/lifecycle.ts';
import { RESEND_AFTER_MS } from '../domain/new-task.ts';
import type { Verdict } from '../domain/retry.ts';
import type { Task, TaskKey, TaskSummaryRow } from '../domain/task.ts';
import {
  appendAttemptSql,
  encodeKeys,
  guardSql,
  jsonRows,
  leaseEndSql,
  MAX_GROUP_CHARS,
  nameStatement,
  rowMapper,
  SUMMARY_COLUMNS,
} from './statements.ts';

/** What followed from one attempt, to be recorded. */
export interface Recording {
  /** The row as it was claimed. */
  task: Task;
  verdict: Verdict;
}

/** A queue holds a delayed message for a day at most. */
export const MAX_MESSAGE_DELAY_MS = 24 * 3_600_000;

/** A queue's delays are whole seconds and its clock is not ours: a task is due this early. */
const CLAIM_TOLERANCE_MS = 1_000;

/** What a claim sets, or can only meet: it is not read back. */
const CLAIMED_AS = {
  status: lifecycle.claim.to,
  progress: null,
  result: null,
  completed_at: null,
  reused_from: null,
} as const satisfies Partial<Task>;
const CLAIM_COLUMNS = [...SUMMARY_COLUMNS, 'params' as const].filter(
  (column) => !(column in CLAIMED_AS),
);
const toClaimedTask = rowMapper<Task>(CLAIM_COLUMNS, CLAIMED_AS);

const CLAIM = nameStatement(
  'tasks.claim',
  `UPDATE tasks
SET status = '${lifecycle.claim.to}',
  attempt = attempt + 1,
  version = version + 1,
  progress = NULL,
  started_at = ?1,
  updated_at = ?1,
  wake_at = ${leaseEndSql('?1')}
FROM json_each(?2) AS m
WHERE tasks.owner = m.value ->> 'owner'
  AND tasks.id = m.value ->> 'id'
  AND ${guardSql('claim')}
  AND (tasks.scheduled_at IS NULL OR tasks.scheduled_at <= ?1 + ?3)
  AND tasks.attempt < tasks.max_attempts + tasks.rescues
  AND (tasks.rescues = 0 OR ?4)
  AND NOT EXISTS (SELECT 1 FROM queues WHERE queues.name = tasks.queue)
RETURNING ${CLAIM_COLUMNS.map((column) => `tasks.${column}`).join(', ')}`,
);

/** What else of a row may have changed since its claim. */
const CHANGED_COLUMNS = [
  'id',
  'version',
  'title',
  'description',
  'progress',
] as const satisfies (keyof Task)[];
const toChanges = rowMapper<Pick<Task, (typeof CHANGED_COLUMNS)[number]>>(CHANGED_COLUMNS);

/** What a recording writes. */
const RECORDED_COLUMNS = [
  'status',
  'completed_at',
  'scheduled_at',
  'wake_at',
  'failure_sinks',
  'updated_at',
] as const satisfies (keyof Task)[];
/**
 * What a recording writes that is JSON already, and goes in as it is: as a text within JSON it
 * could grow to twice its size, which D1 bounds.
 */
const RECORDED_JSON_COLUMNS = ['attempts', 'result'] as const satisfies (keyof Task)[];
type Recorded = Pick<
  Task,
  (typeof RECORDED_COLUMNS)[number] | (typeof RECORDED_JSON_COLUMNS)[number]
>;

/** The values come by their place: owner, id, attempt, and then what is written. */
const FIRST_WRITTEN = 3;

// complete, fail and reschedule leave from the same status: one statement serves a mixed group. The
// result comes last, and is left out where there is none.
const RECORD = nameStatement(
  'tasks.record',
  `${jsonRows('o', '?1')}
UPDATE tasks
SET version = version + 1,
  ${RECORDED_COLUMNS.map((column, i) => `${column} = o.value ->> ${FIRST_WRITTEN + i}`).join(',\n  ')},
  ${RECORDED_JSON_COLUMNS.map((column, i) => `${column} = o.value -> ${FIRST_WRITTEN + RECORDED_COLUMNS.length + i}`).join(',\n  ')}
FROM o
WHERE tasks.owner = o.value ->> 0
  AND tasks.id = o.value ->> 1
  AND ${guardSql('complete')}
  AND tasks.attempt = o.value ->> 2
RETURNING ${CHANGED_COLUMNS.join(', ')}`,
);

/** What each command on a status sets; ?1 is now. */
const COMMAND_SETS = {
  cancel: `status = '${lifecycle.cancel.to}',
  completed_at = ?1,
  wake_at = NULL,
  attempts = CASE
    WHEN status = '${lifecycle.claim.to}'
    THEN ${appendAttemptSql(`'cancelled'`, 'NULL', '?1')}
    ELSE attempts
  END`,
  pause: `status = '${lifecycle.pause.to}',
  wake_at = NULL`,
  resume: `status = CASE
    WHEN scheduled_at > ?1 THEN '${lifecycle.resume.ifScheduled}'
    ELSE '${lifecycle.resume.to}'
  END,
  wake_at = CASE WHEN scheduled_at > ?1 THEN scheduled_at ELSE ?1 + ${RESEND_AFTER_MS} END`,
  retry: `status = '${lifecycle.retry.to}',
  max_attempts = attempt + attempt_budget,
  rescues = 0,
  scheduled_at = NULL,
  completed_at = NULL,
  progress = NULL,
  wake_at = ?1 + ${RESEND_AFTER_MS}`,
} as const;
/** The commands that change a task's status. */
export type StatusCommand = keyof typeof COMMAND_SETS;

/** A command on the tasks whose ids are in ?3. */
const commandSql = (name: StatusCommand, returning: string): string =>
  nameStatement(
    `tasks.${name}`,
    `UPDATE tasks
SET ${COMMAND_SETS[name]},
  version = version + 1,
  updated_at = ?1
WHERE owner = ?2
  AND id IN (SELECT value FROM json_each(?3))
  AND ${guardSql(name)}
RETURNING ${returning}`,
  );

const OUTCOME_WORDS = { complete: 'completed', fail: 'failed', reschedule: 'retried' } as const;

/**
 * What a recording makes of the row: all of it is known, for nothing but a transition writes these
 * once it is claimed.
 */
const buildRecorded = (
  { task, verdict }: Recording,
  now: number,
  failureSinks: string | null,
): Recorded => {
  const { to: status } = lifecycle[verdict.transition];
  const error = 'error' in verdict ? verdict.error : null;
  const outcome = OUTCOME_WORDS[verdict.transition];
  const ended = {
    status,
    attempts: appendAttempt(task, { ended_at: now, outcome, error }),
    updated_at: now,
    result: null,
    completed_at: now,
    scheduled_at: task.scheduled_at,
    wake_at: null,
    failure_sinks: task.failure_sinks,
  };
  if (verdict.transition === 'complete') return { ...ended, result: verdict.result };
  if (verdict.transition === 'fail') return { ...ended, failure_sinks: failureSinks };
  const scheduled_at = now + Math.round(verdict.delayMs);
  // Beyond a day the queue cannot hold the message, so the clock brings the task back exactly when
  // it is due.
  const slackMs = verdict.delayMs > MAX_MESSAGE_DELAY_MS ? 0 : RESEND_AFTER_MS;
  return { ...ended, completed_at: null, scheduled_at, wake_at: scheduled_at + slackMs };
};

/** One recording as the statement takes it. */
const encodeRecording = ({ owner, id, attempt }: Task, changes: Recorded): string => {
  const values = RECORDED_COLUMNS.map((column) => changes[column]);
  const head = JSON.stringify([owner, id, attempt, ...values]).slice(0, -1);
  return `${[head, ...RECORDED_JSON_COLUMNS.flatMap((column) => changes[column] ?? [])].join(',')}]`;
};

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

  /** Carries out a command on one task; null when it is not there or its status forbids it. */
  async command(name: StatusCommand, owner: string, id: string, now: number): Promise<Task | null> {
    const statement = db.prepare(commandSql(name, '*')).bind(now, owner, JSON.stringify([id]));
    return (await statement.all<Task>()).results[0] ?? null;
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

  /** Writes outcomes, fenced on the attempt that made them. Returns the rows that took them. */
  async record(recordings: readonly Recording[], now: number): Promise<Task[]> {
    const rows = recordings.map((recording) => {
      const changes = buildRecorded(recording, now, failureSinks);
      const text = encodeRecording(recording.task, changes);
      return { task: { ...recording.task, ...changes }, text };
    });
    const tasks = new Map(rows.map(({ task }) => [task.id, task]));
    const written: Task[] = [];
    const sizeOf = ({ text }: { text: string }): number => text.length;
    for (const group of chunk(rows, { sizeOf, maxSize: MAX_GROUP_CHARS })) {
      const statement = db.prepare(RECORD).bind(`[${group.map(({ text }) => text).join(',')}]`);
      for (const changes of (await statement.raw()).map(toChanges))
        written.push(Object.assign(tasks.get(changes.id) as Task, changes));
    }
    return written;
  },
});

export type Transitions = ReturnType<typeof createTransitions>;

/** Whether this row shows that `recording` was committed, though its answer may have been lost. */
export const wasRecorded = (row: Task, { task, verdict }: Recording): boolean =>
  row.attempt === task.attempt && row.status === lifecycle[verdict.transition].to;
