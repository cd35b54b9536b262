import type { Task } from '../domain/task.ts';
import { retrySql, SET_IDLE, setRunnableSql } from './runnable.ts';
import { guardSql, jsonRows, nameStatement, rowMapper } from './statements.ts';

// The statements that write the end of an attempt, and the places of what they write.

/** The columns that may have changed since the claim, or that the statement decides. */
const CHANGED_COLUMNS = [
  'id',
  'version',
  'title',
  'description',
  'progress',
  'held',
  'wake_at',
] as const satisfies (keyof Task)[];
export type Changes = Pick<Task, (typeof CHANGED_COLUMNS)[number]>;
export const toChanges = rowMapper<Changes>(CHANGED_COLUMNS);

/** The values come by their place: owner, id, attempt, and then what is written. */
export const FIRST_WRITTEN = 3;

/** The columns that the end of a task writes; those that are JSON already go in as they are. */
export const END_COLUMNS = [
  'status',
  'completed_at',
  'failure_sinks',
  'updated_at',
  'checkpoint',
] as const;
/** The columns that an attempt writes after which the task goes on. */
export const RETRY_COLUMNS = [
  'status',
  'scheduled_at',
  'max_attempts',
  'updated_at',
  'checkpoint',
  'snoozes',
] as const;
/**
 * As a text within JSON these could grow to twice their size, which D1 bounds. The result comes
 * last, and is left out where there is none.
 */
export const JSON_COLUMNS = ['attempts', 'result'] as const;

/** What stays as it is where nothing new is written: it may have been saved while the task ran. */
const KEPT: ReadonlySet<string> = new Set(['checkpoint']);

/** How a statement finds the value of a column. */
const placesOf = (columns: readonly string[]) => (column: string) =>
  `o.value ->> ${FIRST_WRITTEN + columns.indexOf(column)}`;

const writeSql = (
  name: string,
  columns: readonly (keyof Task)[],
  jsonColumns: readonly (keyof Task)[],
  { more = [], where = [] }: { more?: string[]; where?: string[] },
): string => {
  const findPlace = placesOf(columns);
  const sets = [
    'version = version + 1',
    ...columns.map(
      (column) =>
        `${column} = ${KEPT.has(column) ? `coalesce(${findPlace(column)}, ${column})` : findPlace(column)}`,
    ),
    ...jsonColumns.map(
      (column, i) => `${column} = o.value -> ${FIRST_WRITTEN + columns.length + i}`,
    ),
    ...more,
  ];
  const guards = [
    'tasks.owner = o.value ->> 0',
    'tasks.id = o.value ->> 1',
    guardSql('complete'),
    'tasks.attempt = o.value ->> 2',
    ...where,
  ];
  return nameStatement(
    name,
    `${jsonRows('o', '?1')}
UPDATE tasks
SET ${sets.join(',\n  ')}
FROM o
WHERE ${guards.join('\n  AND ')}
RETURNING ${CHANGED_COLUMNS.join(', ')}`,
  );
};

// complete and fail leave from the same status: one statement serves a mixed group.
export const END = writeSql('tasks.record', END_COLUMNS, JSON_COLUMNS, {
  more: [SET_IDLE],
});

const findPlace = placesOf(RETRY_COLUMNS);
const again = retrySql({
  now: findPlace('updated_at'),
  scheduledAt: findPlace('scheduled_at'),
  queue: 'tasks.queue',
  timeoutMs: 'tasks.timeout_ms',
});
// To name a column of an index costs a row, so what stays is not named: the usual retry comes back
// by its message, and was not held by a lease yet.
export const RETRY = writeSql('tasks.reschedule', RETRY_COLUMNS, ['attempts'], {
  where: ['tasks.held IS NULL', `(${again.held}) IS NULL`],
});
export const RETRY_AND_HOLD = writeSql('tasks.reschedule_held', RETRY_COLUMNS, ['attempts'], {
  more: [setRunnableSql(again)],
});
