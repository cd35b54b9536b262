import type { RegisteredType } from '../domain/registered-type.ts';
import { nameStatement } from './statements.ts';

// Types that owners registered. The table is small: 200 an owner at most.

/** Who runs tasks of a type: a key of `run`. */
const kindSql = (table: string): string =>
  `(SELECT key FROM json_each(${table}.definition, '$.run'))`;

const UNFINISHED = `SELECT 1
  FROM tasks INDEXED BY tasks_by_type
  WHERE owner = ?1 AND type = ?2 AND status IN ('NEW', 'PENDING', 'PAUSED', 'IN_PROGRESS')`;

// Tasks wait in the place of who runs them: nobody would look for them in another one.
const PUT = nameStatement(
  'task_types.put',
  `INSERT INTO task_types (owner, name, definition, created_at, updated_at, created_by_key)
SELECT ?1, ?2, ?3, ?4, ?4, ?5
WHERE (SELECT count(*) FROM task_types WHERE owner = ?1 AND name <> ?2) < ?6
ON CONFLICT (owner, name) DO UPDATE
SET definition = excluded.definition, updated_at = excluded.updated_at
WHERE ${kindSql('task_types')} = ${kindSql('excluded')} OR NOT EXISTS (${UNFINISHED})
RETURNING *`,
);

// A task that is accepted at the same time finds no type when it is to be run, and says so.
const REMOVE = nameStatement(
  'task_types.remove',
  `DELETE FROM task_types
WHERE owner = ?1 AND name = ?2 AND NOT EXISTS (${UNFINISHED})
RETURNING name`,
);

const PAUSE = nameStatement(
  'task_types.pause',
  `UPDATE task_types
SET paused_until = max(coalesce(paused_until, 0), ?3), updated_at = ?4
WHERE owner = ?1 AND name = ?2
RETURNING *`,
);

const RESUME = nameStatement(
  'task_types.resume',
  `UPDATE task_types
SET paused_until = NULL, updated_at = ?3
WHERE owner = ?1 AND name = ?2
RETURNING *`,
);

// What was held until the end of the pause is due now; the clock sends it.
const RELEASE = nameStatement(
  'task_types.release',
  `UPDATE tasks
SET wake_at = ?4
WHERE (owner, id) IN (
    SELECT paused.owner, paused.id
    FROM json_each(?5) AS j
    CROSS JOIN tasks AS paused INDEXED BY tasks_due
      ON paused.held = 'time'
      AND paused.queue = j.value
      AND paused.wake_at = (SELECT paused_until FROM task_types WHERE owner = ?1 AND name = ?2)
    WHERE paused.owner = ?1 AND paused.type = ?2 AND paused.status = 'PENDING'
    LIMIT ?3
  )
  AND +held = 'time'`,
);

const ROTATE = nameStatement(
  'task_types.rotate_secret',
  `UPDATE task_types
SET secret_version = secret_version + 1, secret_rotated_at = ?3, updated_at = ?3
WHERE owner = ?1 AND name = ?2
RETURNING *`,
);

const ENDPOINT_QUEUES = JSON.stringify(['external-high', 'external-medium', 'external-low']);
/** Tasks that one statement releases; the clock's own is as large. */
const MAX_RELEASED = 500;

export const createTaskTypeStore = (db: D1Database) => {
  const first = (sql: string, ...values: unknown[]): Promise<RegisteredType | null> =>
    db
      .prepare(sql)
      .bind(...values)
      .first<RegisteredType>();
  return {
    /** Those of these names that the owner has. */
    async getMany(owner: string, names: readonly string[]): Promise<RegisteredType[]> {
      const sql = nameStatement(
        'task_types.get',
        `SELECT task_types.*
FROM json_each(?2) AS n
CROSS JOIN task_types ON task_types.owner = ?1 AND task_types.name = n.value`,
      );
      const statement = db.prepare(sql).bind(owner, JSON.stringify(names));
      return (await statement.all<RegisteredType>()).results;
    },

    /** All of the owner's, by name. */
    async list(owner: string): Promise<RegisteredType[]> {
      const sql = nameStatement(
        'task_types.list',
        'SELECT * FROM task_types WHERE owner = ?1 ORDER BY name',
      );
      return (await db.prepare(sql).bind(owner).all<RegisteredType>()).results;
    },

    /**
     * Registers, or changes; null when the owner has `most` others already, or when somebody else
     * would have to run what is unfinished.
     */
    put: (
      {
        owner,
        name,
        definition,
        created_by_key,
      }: Pick<RegisteredType, 'owner' | 'name' | 'definition' | 'created_by_key'>,
      most: number,
      now: number,
    ) => first(PUT, owner, name, definition, now, created_by_key, most),

    /** False while unfinished tasks of it exist, and where there is none. */
    remove: async (owner: string, name: string): Promise<boolean> =>
      (await db.prepare(REMOVE).bind(owner, name).first()) !== null,

    /** No run begins before `until` (ms), or until it is resumed. */
    pause: (owner: string, name: string, until: number, now: number) =>
      first(PAUSE, owner, name, until, now),

    /** Ends a pause, and releases what it holds back. */
    async resume(owner: string, name: string, now: number): Promise<RegisteredType | null> {
      const release = db.prepare(RELEASE).bind(owner, name, MAX_RELEASED, now, ENDPOINT_QUEUES);
      for (;;) {
        const { meta } = await release.run();
        if (meta.changes < MAX_RELEASED) break;
      }
      return first(RESUME, owner, name, now);
    },

    /** Lets the next version of the type's secret begin. */
    rotateSecret: (owner: string, name: string, now: number) => first(ROTATE, owner, name, now),
  };
};

export type TaskTypeStore = ReturnType<typeof createTaskTypeStore>;
