import type { Verdict } from '../domain/retry.ts';
import { lifecycle } from '../domain/lifecycle.ts';
import { RESEND_AFTER_MS, isFinal, type Task, type TaskHead } from '../domain/task.ts';
import { appendAttempt, eachJson, guardOf, HEAD, inGroups, inList, keysJson, leaseEnd } from './statements.ts';

/** What a queue's consumer decided about one attempt. */
export interface Recording {
  /** The row as it was claimed: only what may have changed since is read back. */
  task: Task;
  verdict: Verdict;
}

const FINALS = inList([lifecycle.complete.to, lifecycle.fail.to]);

/** A queue holds a delayed message for a day at most. */
export const MAX_MESSAGE_DELAY_MS = 24 * 3_600_000;

const CLAIM = `UPDATE tasks SET status = '${lifecycle.claim.to}', attempt = attempt + 1, version = version + 1,
  progress = NULL, started_at = ?1, updated_at = ?1, wake_at = ${leaseEnd('?1')}
FROM json_each(?2) AS m
WHERE tasks.owner = m.value ->> 'owner' AND tasks.id = m.value ->> 'id' AND ${guardOf('claim')}
  AND (tasks.scheduled_at IS NULL OR tasks.scheduled_at <= ?1 + ?3)
  AND tasks.attempt < tasks.max_attempts + tasks.rescues AND (tasks.rescues = 0 OR ?4)
  AND NOT EXISTS (SELECT 1 FROM queues WHERE queues.name = tasks.queue)
RETURNING *`;

/** What of a row may have changed since its claim, but for the result, which is known. */
const CHANGED: readonly (keyof Task)[] = [
  'owner', 'id', 'status', 'version', 'attempts', 'title', 'description', 'progress', 'scheduled_at', 'completed_at', 'updated_at', 'wake_at', 'failure_sinks',
]; // prettier-ignore

// complete, fail and retryLater leave from the same status: one statement serves a mixed group.
const RECORD = `${eachJson('o', '?2')} UPDATE tasks SET status = o.value ->> 'status', version = version + 1, updated_at = ?1,
  result = o.value -> 'result',
  attempts = ${appendAttempt(`o.value ->> 'outcome'`, `o.value -> 'error'`, '?1')},
  completed_at = CASE WHEN o.value ->> 'status' IN ${FINALS} THEN ?1 END,
  scheduled_at = coalesce(o.value ->> 'scheduled_at', scheduled_at), wake_at = o.value ->> 'wake_at',
  failure_sinks = CASE WHEN o.value ->> 'status' = '${lifecycle.fail.to}' THEN ?3 ELSE failure_sinks END
FROM o
WHERE tasks.owner = o.value ->> 'owner' AND tasks.id = o.value ->> 'id' AND ${guardOf('complete')}
  AND tasks.attempt = o.value ->> 'attempt'
RETURNING ${CHANGED.join(', ')}`;

/** What each command of a person sets; ?1 is now. */
const COMMANDS = {
  cancel: `status = '${lifecycle.cancel.to}', completed_at = ?1, wake_at = NULL, attempts = CASE WHEN status = '${lifecycle.claim.to}'
    THEN ${appendAttempt(`'cancelled'`, 'NULL', '?1')} ELSE attempts END`,
  pause: `status = '${lifecycle.pause.to}', wake_at = NULL`,
  resume: `status = CASE WHEN scheduled_at > ?1 THEN 'NEW' ELSE '${lifecycle.resume.to}' END,
    wake_at = CASE WHEN scheduled_at > ?1 THEN scheduled_at ELSE ?1 + ${RESEND_AFTER_MS} END`,
  rerun: `status = '${lifecycle.rerun.to}', max_attempts = attempt + attempt_budget, rescues = 0, scheduled_at = NULL,
    completed_at = NULL, progress = NULL, wake_at = ?1 + ${RESEND_AFTER_MS}`,
} as const;
export type CommandName = keyof typeof COMMANDS;

/** A command on the tasks whose ids are in ?3, up to the columns that it returns. */
const commanding = (
  name: CommandName,
): string => `UPDATE tasks SET ${COMMANDS[name]}, version = version + 1, updated_at = ?1
  WHERE owner = ?2 AND id IN (SELECT value FROM json_each(?3)) AND ${guardOf(name)} RETURNING`;

const OUTCOME_WORD = { complete: 'completed', fail: 'failed', retryLater: 'retried' } as const;

/** One recording as JSON; the result goes in as it is, for it is JSON already. */
const recordingJson = ({ task: { owner, id, attempt }, verdict }: Recording, now: number): string => {
  const { to: status } = lifecycle[verdict.transition];
  const outcome = OUTCOME_WORD[verdict.transition];
  const head = { owner, id, attempt, status, outcome, ...('error' in verdict && { error: verdict.error }) };
  if (verdict.transition === 'complete') return `${JSON.stringify(head).slice(0, -1)},"result":${verdict.result}}`;
  if (verdict.transition === 'fail') return JSON.stringify(head);
  const scheduled_at = now + verdict.delayMs;
  // Beyond a day the queue cannot hold the message, so the clock brings the task back exactly when it is due.
  const wake_at = scheduled_at + (verdict.delayMs > MAX_MESSAGE_DELAY_MS ? 0 : RESEND_AFTER_MS);
  return JSON.stringify({ ...head, scheduled_at, wake_at });
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
  async claim(keys: readonly Pick<Task, 'owner' | 'id'>[], now: number, alone: boolean): Promise<Task[]> {
    const bound = [now, keysJson(keys), CLAIM_TOLERANCE_MS, alone ? 1 : 0];
    return (
      await db
        .prepare(CLAIM)
        .bind(...bound)
        .all<Task>()
    ).results;
  },

  /** Carries out a person's command on one task; null when it is not there or its status forbids it. */
  async command(name: CommandName, owner: string, id: string, now: number): Promise<Task | null> {
    return (await db.prepare(`${commanding(name)} *`).bind(now, owner, JSON.stringify([id])).all<Task>()).results[0] ?? null; // prettier-ignore
  },

  /** The same on many, by their ids. Returns those that it changed, without their long parts. */
  async commandMany(name: CommandName, owner: string, ids: readonly string[], now: number): Promise<TaskHead[]> {
    const statement = `${commanding(name)} ${HEAD.join(', ')}`;
    return (await db.prepare(statement).bind(now, owner, JSON.stringify(ids)).all<TaskHead>()).results;
  },

  /** Writes outcomes, fenced on the attempt that made them. Returns the rows that took them. */
  async record(recordings: readonly Recording[], now: number): Promise<Task[]> {
    const texts = recordings.map((recording) => recordingJson(recording, now));
    const groups = inGroups(texts, recordings.length, (text) => text.length);
    const known = new Map(recordings.map((recording) => [recording.task.id, recording]));
    const statements = groups.map((group) => db.prepare(RECORD).bind(now, `[${group.join(',')}]`, failureSinks));
    const written: Task[] = [];
    for (const statement of statements) {
      for (const changed of (await statement.all<Task>()).results) {
        const { task, verdict } = known.get(changed.id) as Recording;
        written.push({ ...task, ...changed, result: 'result' in verdict ? verdict.result : null });
      }
    }
    return written;
  },
});

export type Transitions = ReturnType<typeof createTransitions>;

/** Whether this row shows that `recording` was committed, though its answer may have been lost. */
export const holds = (row: Task, { task, verdict }: Recording): boolean =>
  row.attempt === task.attempt &&
  row.status === lifecycle[verdict.transition].to &&
  (isFinal(row.status) || row.status === 'PENDING');
