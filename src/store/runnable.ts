import { MAX_QUEUE_DELAY_MS, RESEND_AFTER_MS } from '../domain/new-task.ts';
import { lifecycle } from '../domain/lifecycle.ts';

// What `held` says of a task that has not ended:
// - null: it is named by a message in its queue, or was taken from there just now; the clock looks at
//   `wake_at` whether the message was lost;
// - `time`: the clock sends it to its queue at `wake_at`;
// - `queue`: its queue is paused; the clock sends it once it is resumed, and looks at nothing before;
// - `lease`: a worker has it, and the clock takes it back at `wake_at`.

/** The SQL of what a statement knows of a task that it makes runnable. */
export interface RunnableSql {
  /** ms. */
  now: string;
  /** ms, or NULL. */
  scheduledAt: string;
  queue: string;
}

/** Whether a queue is paused, as SQL. */
export const isPausedSql = (queue: string): string => `${queue} IN (SELECT name FROM queues)`;

/**
 * The one place that decides what a row looks like that becomes runnable: every statement that makes
 * one so sets these. New reasons to hold a task come here.
 * @param queueDelayMs up to this long a message waits by itself
 * @returns SQL expressions
 */
export const runnableSql = (
  { now, scheduledAt, queue }: RunnableSql,
  queueDelayMs = 0,
): { status: string; held: string; wakeAt: string } => {
  const isLater = `${scheduledAt} > ${now} + ${queueDelayMs}`;
  const { to, ifScheduled } = lifecycle.submit;
  return {
    status: `CASE WHEN ${isLater} THEN '${ifScheduled}' ELSE '${to}' END`,
    held: `CASE WHEN ${isLater} THEN 'time' WHEN ${isPausedSql(queue)} THEN 'queue' END`,
    wakeAt: `CASE
    WHEN ${isLater} THEN ${scheduledAt}
    WHEN ${isPausedSql(queue)} THEN NULL
    ELSE max(${now}, coalesce(${scheduledAt}, 0)) + ${RESEND_AFTER_MS}
  END`,
  };
};

/** The same for an attempt that is tried again: a short delay is the message's own. */
export const retrySql = (sql: RunnableSql): ReturnType<typeof runnableSql> =>
  runnableSql(sql, MAX_QUEUE_DELAY_MS);
