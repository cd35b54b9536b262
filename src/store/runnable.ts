import { MAX_QUEUE_DELAY_MS, RESEND_AFTER_MS } from '../domain/new-task.ts';
import { lifecycle } from '../domain/lifecycle.ts';

// What `held` says of a task that has not ended:
// - null: it is named by a message in its queue, or was taken from there just now; the clock looks at
//   `wake_at` whether the message was lost;
// - `time`: the clock sends it to its queue at `wake_at`;
// - `queue`: its queue is paused; the clock sends it once it is resumed, and looks at nothing before;
// - `lease`: somebody runs it, and the clock takes it back at `wake_at`;
// - `worker`: one of its owner's workers will take it; the clock looks at nothing;
// - `person`: somebody will end it; the clock fails it at `wake_at`.

/** The SQL of what a statement knows of a task that it makes runnable. */
export interface RunnableSql {
  /** ms. */
  now: string;
  /** ms, or NULL. */
  scheduledAt: string;
  queue: string;
  /** ms. */
  timeoutMs: string;
}

/** Whether a queue is paused, as SQL. */
export const isPausedSql = (queue: string): string => `${queue} IN (SELECT name FROM queues)`;

/**
 * Whether no pause of its type keeps a task from running, as SQL. Only tasks with a limit are asked:
 * those of built-in types have none.
 */
export const isTypeOpenSql = (now: string): string =>
  `(tasks.limit_key IS NULL OR NOT EXISTS (
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

/**
 * The one place that decides what a row looks like that becomes runnable: every statement that makes
 * one so sets these. New reasons to hold a task come here.
 * @param queueDelayMs up to this long a message waits by itself
 * @returns SQL expressions
 */
export const runnableSql = (
  { now, scheduledAt, queue, timeoutMs }: RunnableSql,
  queueDelayMs = 0,
): { status: string; held: string; wakeAt: string } => {
  // No message brings back what is in no queue.
  const delay =
    queueDelayMs === 0 ? '0' : `CASE WHEN ${isOutsideSql(queue)} THEN 0 ELSE ${queueDelayMs} END`;
  const isLater = `${scheduledAt} > ${now} + ${delay}`;
  const { to, ifScheduled } = lifecycle.submit;
  return {
    status: `CASE WHEN ${isLater} THEN '${ifScheduled}' ELSE '${to}' END`,
    held: `CASE
    WHEN ${isLater} THEN 'time'
    WHEN ${isForWorkerSql(queue)} THEN 'worker'
    WHEN ${isForPersonSql(queue)} THEN 'person'
    WHEN ${isPausedSql(queue)} THEN 'queue'
  END`,
    wakeAt: `CASE
    WHEN ${isLater} THEN ${scheduledAt}
    WHEN ${isForPersonSql(queue)} THEN ${now} + ${timeoutMs}
    WHEN ${isForWorkerSql(queue)} OR ${isPausedSql(queue)} THEN NULL
    ELSE max(${now}, coalesce(${scheduledAt}, 0)) + ${RESEND_AFTER_MS}
  END`,
  };
};

/** The same for an attempt that is tried again: a short delay is the message's own. */
export const retrySql = (sql: RunnableSql): ReturnType<typeof runnableSql> =>
  runnableSql(sql, MAX_QUEUE_DELAY_MS);
