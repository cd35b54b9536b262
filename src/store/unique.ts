import type { Task } from '../domain/task.ts';
import { readBodies, selectBodies, type ShortRow } from './bodies.ts';
import { encodeTask, INSERT_COLUMNS } from './inserts.ts';
import { runnableSql } from './runnable.ts';
import { nameStatement, SUMMARY_COLUMNS, TASK_COLUMNS } from './statements.ts';

// Unique keys of tasks. Triggers keep them: a task that would be the second is not inserted, and not
// run again.

const FIND = nameStatement(
  'unique.find',
  `SELECT ${SUMMARY_COLUMNS.map((column) => `tasks.${column}`).join(', ')}, ${selectBodies('1')}
FROM json_each(?2) AS k
CROSS JOIN unique_keys ON unique_keys.owner = ?1 AND unique_keys.key = k.value
CROSS JOIN tasks ON tasks.owner = ?1 AND tasks.id = unique_keys.task_id
WHERE until > ?3 OR (until IS NULL AND tasks.completed_at IS NULL)`,
);

/** What a task keeps that is given something else to do: who it is, and since when. */
const KEPT: ReadonlySet<string> = new Set([
  'owner',
  'id',
  'submitted_at',
  'idempotency_key',
  'fingerprint',
  'parent_id',
  'rerun_of',
  'unique_key',
  'unique_ms',
  'reused_from',
  'completed_at',
  'result',
]);
const given = (column: (typeof INSERT_COLUMNS)[number]): string =>
  `n.value ->> ${INSERT_COLUMNS.indexOf(column)}`;
const LIMIT_KEY = `coalesce(
    ${given('limit_key')},
    (SELECT key FROM limits WHERE owner = ?1 AND key = ${given('type')} AND for_type = 1)
  )`;
const runnable = runnableSql({
  now: '?3',
  scheduledAt: given('scheduled_at'),
  queue: given('queue'),
  timeoutMs: given('timeout_ms'),
  limitKey: LIMIT_KEY,
  priority: given('priority'),
  blockedBy: 'NULL',
});
/** What a paused task is not. */
const unlessPaused = (sql: string): string => `CASE WHEN status <> 'PAUSED' THEN ${sql} END`;
const DECIDED: Partial<Record<string, string>> = {
  status: `CASE WHEN status = 'PAUSED' THEN status ELSE ${runnable.status} END`,
  held: unlessPaused(runnable.held),
  wake_at: unlessPaused(runnable.wakeAt),
  turn: unlessPaused(runnable.turn),
  limit_key: LIMIT_KEY,
  updated_at: '?3',
};

// One that has begun, or has ended before, has a history: it is left to itself.
const REPLACE = nameStatement(
  'unique.replace',
  `UPDATE tasks
SET ${INSERT_COLUMNS.filter((column) => !KEPT.has(column))
    .map((column) => `${column} = ${DECIDED[column] ?? given(column)}`)
    .join(',\n  ')},
  slot = NULL,
  version = version + 1
FROM (SELECT ?4 AS value) AS n
WHERE owner = ?1
  AND id = ?2
  AND status IN ('NEW', 'PENDING', 'PAUSED')
  AND attempt = 0
RETURNING ${TASK_COLUMNS.map((column) => `tasks.${column}`).join(', ')}`,
);

const RESTORE = nameStatement(
  'unique.restore',
  `INSERT INTO unique_keys (owner, key, task_id) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING`,
);

const RELEASE = nameStatement(
  'unique.release',
  'DELETE FROM unique_keys WHERE owner = ?1 AND key = ?2 AND task_id = ?3',
);

export const createUniqueStore = (db: D1Database) => ({
  /** The tasks that have these keys at `now` (ms), by key. */
  async find(owner: string, keys: readonly string[], now: number): Promise<Map<string, Task>> {
    const statement = db.prepare(FIND).bind(owner, JSON.stringify(keys), now);
    const found = await readBodies(db, (await statement.all<ShortRow>()).results);
    return new Map(found.map((task) => [String(task.unique_key), task]));
  },

  /** Gives a task that has not begun what another one is to do; null when it has begun. */
  replace: (owner: string, id: string, task: Task, now: number): Promise<Task | null> =>
    db.prepare(REPLACE).bind(owner, id, now, encodeTask(task)).first<Task>(),

  /** Takes a key from a task. */
  async release(owner: string, key: string, id: string): Promise<void> {
    await db.prepare(RELEASE).bind(owner, key, id).run();
  },
  /** Gives it back, unless another one has it. */
  async restore(owner: string, key: string, id: string): Promise<void> {
    await db.prepare(RESTORE).bind(owner, key, id).run();
  },
});

export type UniqueStore = ReturnType<typeof createUniqueStore>;
