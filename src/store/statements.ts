import { LEASE_MARGIN_MS, lifecycle, MAX_LEASE_MS } from '../domain/lifecycle.ts';
import { MAX_ATTEMPTS_KEPT, type Status, type Task, type TaskSummaryRow } from '../domain/task.ts';

// The pieces of SQL that more than one statement needs.

/** The columns of a row without its long parts. */
export const SUMMARY_COLUMNS: readonly (keyof TaskSummaryRow)[] = [
  'owner',
  'id',
  'status',
  'queue',
  'type',
  'priority',
  'attempt',
  'max_attempts',
  'attempt_budget',
  'rescues',
  'version',
  'timeout_ms',
  'wake_at',
  'submitted_at',
  'scheduled_at',
  'started_at',
  'completed_at',
  'updated_at',
  'alias',
  'request_id',
  'reused_from',
  'callback_url',
  'idempotency_key',
  'fingerprint',
  'progress',
  'tags',
  'title',
  'description',
  'attempts',
  'failure_sinks',
  'reuse_key',
];

/** SQL text of a status list: `('NEW', 'PENDING')`. The words are ours, never a caller's. */
export const toSqlList = (statuses: readonly Status[]): string =>
  `(${statuses.map((status) => `'${status}'`).join(', ')})`;

/** The guard that every transition's WHERE carries. */
export const guardSql = (name: keyof typeof lifecycle): string =>
  `tasks.status IN ${toSqlList(lifecycle[name].from)}`;

/** An expression: when a lease taken (or renewed) at `now` runs out; the same rule as `computeLeaseMs`. */
export const leaseEndSql = (now: string): string =>
  `${now} + min(tasks.timeout_ms + ${LEASE_MARGIN_MS}, ${MAX_LEASE_MS})`;

/** Tasks by their primary key, as `json_each(?)` takes them. */
export const encodeKeys = (keys: readonly Pick<Task, 'owner' | 'id'>[]): string =>
  JSON.stringify(keys.map(({ owner, id }) => ({ owner, id })));

/**
 * A JSON list as a table of one column, `value`. json_each writes the text of a row anew for each column that
 * is taken from it: kept, an INSERT of a hundred costs half.
 */
export const jsonRows = (name: string, list: string): string =>
  `WITH ${name} AS MATERIALIZED (SELECT value FROM json_each(${list}))`;

/**
 * Makes rows of lists of values, such as `raw` returns: its `all` makes an object of each row by way of its pairs, which
 * is slow. `fixed`: what else every row has.
 */
export const rowMapper = <Row extends object>(
  columns: readonly (keyof Row)[],
  fixed: Partial<Row> = {},
) => {
  // All names are there from the beginning, so that all rows have one shape.
  const shape = { ...fixed, ...Object.fromEntries(columns.map((column) => [column, null])) } as Row;
  return (values: readonly unknown[]): Row => {
    const row = { ...shape };
    for (let place = 0; place < columns.length; place += 1)
      row[columns[place] as keyof Row] = values[place] as Row[keyof Row];
    return row;
  };
};

/** D1 takes 2 MB a bound value; groups of rows stay below. In UTF-16 units of JSON, which have three bytes at most. */
export const MAX_GROUP_CHARS = 600_000;

/** An expression: the same as `appendAttempt`, for writes of rows that were not read. `outcome` and `error` are SQL, `error` JSON or NULL. */
export const appendAttemptSql = (
  outcome: string,
  error: string,
  endedAt: string,
): string => `json_insert(
    CASE WHEN json_array_length(tasks.attempts) >= ${MAX_ATTEMPTS_KEPT} THEN json_remove(tasks.attempts, '$[0]') ELSE tasks.attempts END,
    '$[#]',
    json_object('attempt', tasks.attempt, 'started_at', tasks.started_at, 'ended_at', ${endedAt}, 'outcome', ${outcome}, 'error', json(${error})))`;
