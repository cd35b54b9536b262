import { getTableColumns } from 'drizzle-orm';
import {
  LEASE_MARGIN_MS,
  lifecycle,
  MAX_LEASE_MS,
  type TransitionName,
} from '../domain/lifecycle.ts';
import { MAX_ATTEMPTS_KEPT } from '../domain/attempts.ts';
import type { Task, TaskKey, TaskSummaryRow } from '../domain/task.ts';
import type { Status } from '../domain/words.ts';
import { tasksTable } from '../schema/tasks.ts';

// The pieces of SQL that more than one statement needs.

/** Every column of a task, in the order of the table. */
export const TASK_COLUMNS = Object.keys(getTableColumns(tasksTable)) as (keyof Task)[];

/** The columns of a row without its long parts. */
export const SUMMARY_COLUMNS = TASK_COLUMNS.filter(
  (column) =>
    column !== 'params' &&
    column !== 'result' &&
    column !== 'checkpoint' &&
    column !== 'identifiers' &&
    column !== 'template',
) satisfies (keyof TaskSummaryRow)[];

/**
 * Gives a statement of ours its name, as a comment in front: tests aim faults by it, and D1's
 * insights show it.
 * https://developers.cloudflare.com/d1/observability/metrics-analytics/#query-insights
 */
export const nameStatement = (name: string, sql: string): string => `/* ${name} */ ${sql}`;

/** SQL text of a status list: `('NEW', 'PENDING')`. The words are ours, never a caller's. */
export const toSqlList = (statuses: readonly Status[]): string =>
  `(${statuses.map((status) => `'${status}'`).join(', ')})`;

/** What every claim sets. @param now SQL of a moment in ms */
export const claimSetSql = (now: string): string =>
  `status = '${lifecycle.claim.to}',
  attempt = attempt + 1,
  version = version + 1,
  progress = NULL,
  started_at = ${now},
  updated_at = ${now}`;

/**
 * What ends a task that waits for a person: its only attempt begins and ends with it.
 * @param now SQL of a moment in ms
 * @param error SQL of a JSON text, or NULL
 * @param startedAt SQL of when it began: now unless given
 */
export const settleSetSql = (
  outcome: 'completed' | 'failed',
  now: string,
  error: string,
  startedAt = now,
): string =>
  `status = '${outcome === 'completed' ? lifecycle.settle.to : lifecycle.settle.failTo}',
  attempt = attempt + 1,
  version = version + 1,
  started_at = ${startedAt},
  updated_at = ${now},
  completed_at = ${now},
  held = NULL,
  wake_at = NULL,
  turn = NULL,
  slot = NULL,
  attempts = ${appendAttemptSql(`'${outcome}'`, error, now, 'tasks.attempt + 1', startedAt)}`;

/** Whether a row is the attempt that `h`, a JSON object, names, and runs still. */
export const isHeldSql = (): string =>
  `tasks.owner = h.value ->> 'owner'
  AND tasks.id = h.value ->> 'id'
  AND ${guardSql('complete')}
  AND tasks.attempt = h.value ->> 'attempt'`;

/** An expression: the bytes of a row, about. */
export const ROW_BYTES = `(1000 + octet_length(params) + coalesce(octet_length(result), 0) + octet_length(attempts) +
    coalesce(octet_length(checkpoint), 0) + coalesce(octet_length(template), 0))`;

/** The guard that every transition's WHERE carries. */
export const guardSql = (name: TransitionName): string =>
  `tasks.status IN ${toSqlList(lifecycle[name].from)}`;

/**
 * An expression: when a lease taken (or renewed) at `now` runs out; the same rule as
 * `computeLeaseMs`.
 */
export const leaseEndSql = (now: string): string =>
  `${now} + min(tasks.timeout_ms + ${LEASE_MARGIN_MS}, ${MAX_LEASE_MS})`;

/** Tasks by their primary key, as `json_each(?)` takes them. */
export const encodeKeys = (keys: readonly TaskKey[]): string =>
  JSON.stringify(keys.map(({ owner, id }) => ({ owner, id })));

/**
 * A JSON list as a table of one column, `value`. json_each writes the text of a row anew for each
 * column that is taken from it: kept in a temporary table, an INSERT of a hundred costs half.
 */
export const jsonRows = (name: string, list: string): string =>
  `WITH ${name} AS MATERIALIZED (SELECT value FROM json_each(${list}))`;

/**
 * Maps lists of values, such as `raw` returns, to rows. D1's `all` makes an object of each row by
 * way of its pairs, which is slow. `fixed`: what every row has besides.
 */
export const rowMapper = <Row extends object>(
  columns: readonly (keyof Row)[],
  fixed: Partial<Row> = {},
) => {
  // All names are there from the beginning, so that all rows have one shape.
  const nulls = Object.fromEntries(columns.map((column) => [column, null]));
  const shape = { ...fixed, ...nulls } as Row;
  return (values: readonly unknown[]): Row => {
    const row = { ...shape };
    for (let place = 0; place < columns.length; place += 1)
      row[columns[place] as keyof Row] = values[place] as Row[keyof Row];
    return row;
  };
};

/**
 * D1 takes 2 MB a bound value; groups of rows stay below. In UTF-16 units of JSON, which have three
 * bytes at most.
 */
export const MAX_GROUP_CHARS = 600_000;

/**
 * An expression: the same as `appendAttempt`, for writes of rows that were not read.
 * @param outcome SQL of a text
 * @param error SQL of a JSON text, or NULL
 * @param endedAt SQL of a moment in ms
 */
export const appendAttemptSql = (
  outcome: string,
  error: string,
  endedAt: string,
  attempt = 'tasks.attempt',
  startedAt = 'tasks.started_at',
): string =>
  `json_insert(
    CASE
      WHEN json_array_length(tasks.attempts) >= ${MAX_ATTEMPTS_KEPT}
      THEN json_remove(tasks.attempts, '$[0]')
      ELSE tasks.attempts
    END,
    '$[#]',
    json_object(
      'attempt', ${attempt},
      'started_at', ${startedAt},
      'ended_at', ${endedAt},
      'outcome', ${outcome},
      'error', json(${error})
    )
  )`;
