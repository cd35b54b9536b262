import type { Task } from '../domain/task.ts';
import { isFinal } from '../domain/words.ts';
import { jsonRows, nameStatement, TASK_COLUMNS } from './statements.ts';

/** What nobody waits for any more. */
const NOTHING_HELD = {
  held: null,
  wake_at: null,
  turn: null,
  slot: null,
  progress: null,
} as const satisfies Partial<Task>;
/** Triggers would take them for those of a task that has just ended: they are put in afterwards. */
const AFTERWARDS = ['callback_url', 'unique_key'] as const;

const INSERTED = TASK_COLUMNS.filter((column) => !AFTERWARDS.some((each) => each === column));
const INSERT = nameStatement(
  'restores.insert',
  `INSERT INTO tasks (${INSERTED.join(', ')})
${jsonRows('given', '?1')}
SELECT ${INSERTED.map((_, place) => `value ->> ${place}`).join(', ')}
FROM given
WHERE true
ON CONFLICT DO NOTHING
RETURNING id`,
);
const COMPLETE = nameStatement(
  'restores.complete',
  `UPDATE tasks
SET ${AFTERWARDS.map((column, i) => `${column} = r.value ->> ${i + 2}`).join(', ')}
FROM json_each(?1) AS r
WHERE tasks.owner = r.value ->> 0 AND tasks.id = r.value ->> 1`,
);

/** Puts tasks back that have ended. */
export const createRestores = (db: D1Database) => ({
  /**
   * Returns the ids of those that are there now and were not: a task that is there stays as it is, and so
   * does the holder of an idempotency key. Nobody is notified.
   */
  async insert(rows: readonly Partial<Task>[]): Promise<Set<string>> {
    const whole = rows.map((row) => ({ ...row, ...NOTHING_HELD }) as Task);
    const running = whole.find(({ status }) => !isFinal(status));
    if (running) throw new TypeError(`Task ${running.id} has not ended`);
    const bound = JSON.stringify(whole.map((row) => INSERTED.map((column) => row[column] ?? null)));
    const inserted = await db.prepare(INSERT).bind(bound).raw<[string]>();
    const ids = new Set(inserted.map(([id]) => id));
    const later = whole.filter(
      (row) => ids.has(row.id) && AFTERWARDS.some((column) => row[column]),
    );
    if (later.length > 0) {
      const values = later.map((row) => [row.owner, row.id, ...AFTERWARDS.map((c) => row[c])]);
      await db.prepare(COMPLETE).bind(JSON.stringify(values)).run();
    }
    return ids;
  },
});
