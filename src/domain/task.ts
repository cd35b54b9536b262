import type { tasksTable } from '../schema/tasks.ts';

/**
 * A task: the row as stored. Times are integer milliseconds, JSON columns are text; schema.ts says
 * what each means.
 */
export type Task = typeof tasksTable.$inferSelect;

/** Why an attempt failed. `code` is a stable word; `message` is for people, at most 2 KB. */
export interface TaskError {
  code: string;
  message: string;
}

/** The primary key of a task. */
export type TaskKey = Pick<Task, 'owner' | 'id'>;

/** A row without its long parts: enough to send it to its queue and to publish it. */
export type TaskSummaryRow = Omit<
  Task,
  'params' | 'result' | 'checkpoint' | 'identifiers' | 'template'
>;

/** A row as a committed write returned it. Those of the clock come without their long parts. */
export type CommittedTask = TaskSummaryRow & Partial<Pick<Task, 'params' | 'result'>>;

/** A task that has changed, as far as others depend on it: under its limit, and in its flow. */
export type ChangedTask = Pick<
  Task,
  'owner' | 'id' | 'status' | 'held' | 'limit_key' | 'flow_id' | 'node' | 'item'
>;

/**
 * The version of what queue messages carry. A consumer ignores a message of another one: the clock
 * still has its tasks.
 */
export const MESSAGE_VERSION = 1;

/**
 * What a queue message carries: the tasks of one owner to look at; the rows say how they stand.
 * `isolated` keeps a task that was rescued once away from neighbours.
 */
export interface TaskMessage {
  v: typeof MESSAGE_VERSION;
  owner: string;
  ids: string[];
  isolated?: true;
}
