import { BLOCKED_BY } from '../domain/flow.ts';
import { MAX_QUEUE_DELAY_MS, RESEND_AFTER_MS } from '../domain/new-task.ts';
import { lifecycle } from '../domain/lifecycle.ts';
import { PRIORITIES } from '../domain/words.ts';

// What `held` says of a task that has not ended:
// - null: it is named by a message in its queue, or was taken from there just now; the clock looks at
//   `wake_at` whether the message was lost;
// - `time`: the clock sends it to its queue at `wake_at`;
// - `queue`: its queue is paused; the clock sends it once it is resumed, and looks at nothing before;
// - `lease`: somebody runs it, and the clock takes it back at `wake_at`;
// - `worker`: one of its owner's workers will take it; the clock looks at nothing;
// - `person`: somebody will end it; the clock fails it at `wake_at`;
// - `limit`: its limit admits it in its turn, see admission.ts; the clock looks whether any was
//   forgotten;
// - `flow`: other tasks of its flow come first; once they have ended the clock looks at it at `wake_at`,
//   unless the release step was faster, see releases.ts.

/** The SQL of what a statement knows of a task that it makes runnable. */
export interface RunnableSql {
  /** ms. */
  now: string;
  /** ms, or NULL. */
  scheduledAt: string;
  queue: string;
  /** ms. */
  timeoutMs: string;
  /** The limit that it waits for first, or NULL; unset: the row's own. */
  limitKey?: string;
  /** What its flow says, or NULL; unset: the row's own. */
  blockedBy?: string;
  /** Unset: the row's own. */
  priority?: string;
  id?: string;
}

/** Whether a queue is paused, as SQL. */
export const isPausedSql = (queue: string): string => `${queue} IN (SELECT name FROM queues)`;

/**
 * Whether no pause of its type keeps a task from running, as SQL. Only tasks that may be of an
 * endpoint are asked.
 */
export const isTypeOpenSql = (now: string): string =>
  `(substr(tasks.queue, 1, 9) <> 'external-' OR NOT EXISTS (
    SELECT 1
    FROM task_types
    WHERE task_types.owner = tasks.owner
      AND task_types.name = tasks.type
      AND task_types.paused_until > ${now}
  ))`;

const isForWorkerSql = (queue: string): string => `substr(${queue}, 1, 7) = 'worker-'`;
const isForPersonSql = (queue: string): string => `substr(${queue}, 1, 7) = 'manual-'`;
/** Whether a task's queue name is of no queue, as SQL. */
export const isOutsideSql = (queue: string): string =>
  `substr(${queue}, 1, 7) IN ('worker-', 'manual-')`;

const DIGITS = PRIORITIES.map((priority, i) => `WHEN '${priority}' THEN '${i}'`).join(' ');
/** Where a task stands among those that its limit holds: urgent ones first, then the oldest. */
const turnSql = (priority: string, id: string): string =>
  `CASE ${priority} ${DIGITS} END || (${id})`;

/**
 * The one place that decides what a row looks like that becomes runnable: every statement that makes
 * one so sets these. New reasons to hold a task come here.
 * @param queueDelayMs up to this long a message waits by itself
 * @returns SQL expressions
 */
export const runnableSql = (
  { now, scheduledAt, queue, timeoutMs, limitKey, priority, id, ...flow }: RunnableSql,
  queueDelayMs = 0,
): { status: string; held: string; wakeAt: string; turn: string } => {
  const isLimited = `${limitKey ?? 'tasks.limit_key'} IS NOT NULL`;
  // No message brings back what is in no queue, or waits for its limit.
  const delay =
    queueDelayMs === 0
      ? '0'
      : `CASE WHEN ${isOutsideSql(queue)} OR ${isLimited} THEN 0 ELSE ${queueDelayMs} END`;
  const isLater = `${scheduledAt} > ${now} + ${delay}`;
  const blockedBy = flow.blockedBy ?? 'tasks.blocked_by';
  const isBlocked = `${blockedBy} <> ${BLOCKED_BY.atRun}`;
  const { to, ifScheduled } = lifecycle.submit;
  return {
    status: `CASE WHEN ${isBlocked} THEN '${to}' WHEN ${isLater} THEN '${ifScheduled}' ELSE '${to}' END`,
    held: `CASE
    WHEN ${isBlocked} THEN 'flow'
    WHEN ${isLater} THEN 'time'
    WHEN ${isLimited} THEN 'limit'
    WHEN ${isForWorkerSql(queue)} THEN 'worker'
    WHEN ${isForPersonSql(queue)} THEN 'person'
    WHEN ${isPausedSql(queue)} THEN 'queue'
  END`,
    wakeAt: `CASE
    WHEN ${isBlocked} THEN CASE WHEN ${blockedBy} <= ${BLOCKED_BY.ready} THEN ${now} END
    WHEN ${isLater} THEN ${scheduledAt}
    WHEN ${isLimited} THEN NULL
    WHEN ${isForPersonSql(queue)} THEN ${now} + ${timeoutMs}
    WHEN ${isForWorkerSql(queue)} OR ${isPausedSql(queue)} THEN NULL
    ELSE max(${now}, coalesce(${scheduledAt}, 0)) + ${RESEND_AFTER_MS}
  END`,
    turn: `CASE
    WHEN ${isBlocked} OR ${isLater} THEN NULL
    WHEN ${isLimited} THEN ${turnSql(priority ?? 'tasks.priority', id ?? 'tasks.id')}
  END`,
  };
};

/** What a statement sets of a row that becomes runnable: no attempt has a slot any more. */
export const setRunnableSql = ({
  held,
  wakeAt,
  turn,
}: Pick<ReturnType<typeof runnableSql>, 'held' | 'wakeAt' | 'turn'>): string =>
  `held = ${held},
  wake_at = ${wakeAt},
  turn = ${turn},
  slot = NULL`;

/** What a statement sets of a row that is not to run, or not any more. */
export const SET_IDLE = `held = NULL,
  wake_at = NULL,
  turn = NULL,
  slot = NULL`;

/** `runnableSql` for an attempt that is tried again: a short delay is the message's own. */
export const retrySql = (sql: RunnableSql): ReturnType<typeof runnableSql> =>
  runnableSql(sql, MAX_QUEUE_DELAY_MS);
