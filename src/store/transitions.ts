import type { Verdict } from '../domain/retry.ts';
import { chunk } from '../domain/chunk.ts';
import { lifecycle } from '../domain/lifecycle.ts';
import {
  isFinal,
  RESEND_AFTER_MS,
  appendAttempt,
  type Task,
  type TaskSummaryRow,
} from '../domain/task.ts';
import {
  appendAttemptSql,
  jsonRows,
  guardSql,
  SUMMARY_COLUMNS,
  encodeKeys,
  leaseEndSql,
  MAX_GROUP_CHARS,
  rowMapper,
} from './statements.ts';

/** What a queue's consumer decided about one attempt. */
export interface Recording {
  /** The row as it was claimed. */
  task: Task;
  verdict: Verdict;
}

/** A queue holds a delayed message for a day at most. */
export const MAX_MESSAGE_DELAY_MS = 24 * 3_600_000;

/** What a claim sets, or can only meet: it is not read back. */
const CLAIMED_AS = {
  status: lifecycle.claim.to,
  progress: null,
  result: null,
  completed_at: null,
  reused_from: null,
} as const satisfies Partial<Task>;
const CLAIMED: readonly (keyof Task)[] = [...SUMMARY_COLUMNS, 'params' as const].filter(
  (column) => !(column in CLAIMED_AS),
);
const claimed = rowMapper<Task>(CLAIMED, CLAIMED_AS);

const CLAIM = `UPDATE tasks SET status = '${lifecycle.claim.to}', attempt = attempt + 1, version = version + 1,
  progress = NULL, started_at = ?1, updated_at = ?1, wake_at = ${leaseEndSql('?1')}
FROM json_each(?2) AS m
WHERE tasks.owner = m.value ->> 'owner' AND tasks.id = m.value ->> 'id' AND ${guardSql('claim')}
  AND (tasks.scheduled_at IS NULL OR tasks.scheduled_at <= ?1 + ?3)
  AND tasks.attempt < tasks.max_attempts + tasks.rescues AND (tasks.rescues = 0 OR ?4)
  AND NOT EXISTS (SELECT 1 FROM queues WHERE queues.name = tasks.queue)
RETURNING ${CLAIMED.map((column) => `tasks.${column}`).join(', ')}`;

/** What else of a row may have changed since its claim. */
const CHANGED = [
  'id',
  'version',
  'title',
  'description',
  'progress',
] as const satisfies (keyof Task)[];
const changed = rowMapper<Pick<Task, (typeof CHANGED)[number]>>(CHANGED);

/** What a recording writes. */
const RECORDED = [
  'status',
  'completed_at',
  'scheduled_at',
  'wake_at',
  'failure_sinks',
  'updated_at',
] as const satisfies (keyof Task)[];
/** What of it is JSON already, and goes in as it is: as a text within JSON it could grow to twice its size, which D1 bounds. */
const RECORDED_JSON = ['attempts', 'result'] as const satisfies (keyof Task)[];
type Recorded = Pick<Task, (typeof RECORDED)[number] | (typeof RECORDED_JSON)[number]>;

// complete, fail and reschedule leave from the same status: one statement serves a mixed group. The values come by their
// place: owner, id, attempt, and then what is written; the result last, and left out where there is none.
const RECORD = `${jsonRows('o', '?1')} UPDATE tasks SET version = version + 1,
  ${RECORDED.map((column, place) => `${column} = o.value ->> ${place + 3}`).join(', ')},
  ${RECORDED_JSON.map((column, place) => `${column} = o.value -> ${place + 3 + RECORDED.length}`).join(', ')}
FROM o
WHERE tasks.owner = o.value ->> 0 AND tasks.id = o.value ->> 1 AND ${guardSql('complete')} AND tasks.attempt = o.value ->> 2
RETURNING ${CHANGED.join(', ')}`;

/** What each command of a person sets; ?1 is now. */
const COMMANDS = {
  cancel: `status = '${lifecycle.cancel.to}', completed_at = ?1, wake_at = NULL, attempts = CASE WHEN status = '${lifecycle.claim.to}'
    THEN ${appendAttemptSql(`'cancelled'`, 'NULL', '?1')} ELSE attempts END`,
  pause: `status = '${lifecycle.pause.to}', wake_at = NULL`,
  resume: `status = CASE WHEN scheduled_at > ?1 THEN 'NEW' ELSE '${lifecycle.resume.to}' END,
    wake_at = CASE WHEN scheduled_at > ?1 THEN scheduled_at ELSE ?1 + ${RESEND_AFTER_MS} END`,
  retry: `status = '${lifecycle.retry.to}', max_attempts = attempt + attempt_budget, rescues = 0, scheduled_at = NULL,
    completed_at = NULL, progress = NULL, wake_at = ?1 + ${RESEND_AFTER_MS}`,
} as const;
export type CommandName = keyof typeof COMMANDS;

/** A command on the tasks whose ids are in ?3, up to the columns that it returns. */
const commandSql = (
  name: CommandName,
): string => `UPDATE tasks SET ${COMMANDS[name]}, version = version + 1, updated_at = ?1
  WHERE owner = ?2 AND id IN (SELECT value FROM json_each(?3)) AND ${guardSql(name)} RETURNING`;

const OUTCOME_WORD = { complete: 'completed', fail: 'failed', reschedule: 'retried' } as const;

/** What a recording makes of the row: all of it is known, for nothing but a transition writes these once it is claimed. */
const recorded = (
  { task, verdict }: Recording,
  now: number,
  failureSinks: string | null,
): Recorded => {
  const { to: status } = lifecycle[verdict.transition];
  const error = 'error' in verdict ? verdict.error : null;
  const attempts = appendAttempt(task, {
    ended_at: now,
    outcome: OUTCOME_WORD[verdict.transition],
    error,
  });
  const ended = {
    status,
    attempts,
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
  // Beyond a day the queue cannot hold the message, so the clock brings the task back exactly when it is due.
  const wake_at = scheduled_at + (verdict.delayMs > MAX_MESSAGE_DELAY_MS ? 0 : RESEND_AFTER_MS);
  return { ...ended, completed_at: null, scheduled_at, wake_at };
};

/** One recording as the statement takes it. */
const encodeRecording = ({ owner, id, attempt }: Task, changes: Recorded): string => {
  const head = JSON.stringify([
    owner,
    id,
    attempt,
    ...RECORDED.map((column) => changes[column]),
  ]).slice(0, -1);
  return `${[head, ...RECORDED_JSON.flatMap((column) => changes[column] ?? [])].join(',')}]`;
};

/** A queue's delays are whole seconds and its clock is not ours: a task is due this early. */
const CLAIM_TOLERANCE_MS = 1_000;

/**
 * The writes that move a task from one status to another as it runs; the clock's are in sweeps.ts. Each is one guarded
 * statement. No row back means that somebody was faster, which is normal. What a final status owes to callbacks is
 * written by triggers, in the same transaction.
 * @param failureSinks who is told of every failure, as a JSON list; null for nobody
 */
export const createTransitions = (db: D1Database, failureSinks: string | null = null) => ({
  /** Takes those of `keys` that are due, one attempt more each, under a lease. `alone`: also those once rescued. */
  async claim(
    keys: readonly Pick<Task, 'owner' | 'id'>[],
    now: number,
    alone: boolean,
  ): Promise<Task[]> {
    const bound = [now, encodeKeys(keys), CLAIM_TOLERANCE_MS, alone ? 1 : 0];
    const rows = await db
      .prepare(CLAIM)
      .bind(...bound)
      .raw();
    return rows.map(claimed);
  },

  /** Carries out a person's command on one task; null when it is not there or its status forbids it. */
  async command(name: CommandName, owner: string, id: string, now: number): Promise<Task | null> {
    return (
      (
        await db
          .prepare(`${commandSql(name)} *`)
          .bind(now, owner, JSON.stringify([id]))
          .all<Task>()
      ).results[0] ?? null
    );
  },

  /** The same on many, by their ids. Returns those that it changed, without their long parts. */
  async commandMany(
    name: CommandName,
    owner: string,
    ids: readonly string[],
    now: number,
  ): Promise<TaskSummaryRow[]> {
    const statement = `${commandSql(name)} ${SUMMARY_COLUMNS.join(', ')}`;
    return (await db.prepare(statement).bind(now, owner, JSON.stringify(ids)).all<TaskSummaryRow>())
      .results;
  },

  /** Writes outcomes, fenced on the attempt that made them. Returns the rows that took them. */
  async record(recordings: readonly Recording[], now: number): Promise<Task[]> {
    const rows = recordings.map((recording) => {
      const changes = recorded(recording, now, failureSinks);
      return {
        task: { ...recording.task, ...changes },
        text: encodeRecording(recording.task, changes),
      };
    });
    const known = new Map(rows.map(({ task }) => [task.id, task]));
    const written: Task[] = [];
    for (const group of chunk(rows, {
      sizeOf: ({ text }) => text.length,
      maxSize: MAX_GROUP_CHARS,
    })) {
      const statement = db.prepare(RECORD).bind(`[${group.map(({ text }) => text).join(',')}]`);
      for (const row of (await statement.raw()).map(changed))
        written.push(Object.assign(known.get(row.id) as Task, row));
    }
    return written;
  },
});

export type Transitions = ReturnType<typeof createTransitions>;

/** Whether this row shows that `recording` was committed, though its answer may have been lost. */
export const wasRecorded = (row: Task, { task, verdict }: Recording): boolean =>
  row.attempt === task.attempt &&
  row.status === lifecycle[verdict.transition].to &&
  (isFinal(row.status) || row.status === 'PENDING');
