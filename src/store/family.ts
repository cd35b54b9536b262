import type { TaskKey } from '../domain/task.ts';
import { nameStatement } from './statements.ts';

const COUNT_ANCESTORS = nameStatement(
  'tasks.count_ancestors',
  `WITH RECURSIVE above(id, n) AS (
  SELECT parent_id, 1
  FROM tasks
  WHERE owner = ?1 AND id = ?2 AND parent_id IS NOT NULL
  UNION ALL
  SELECT tasks.parent_id, above.n + 1
  FROM above
  JOIN tasks ON tasks.owner = ?1 AND tasks.id = above.id
  WHERE tasks.parent_id IS NOT NULL AND above.n < ?3
)
SELECT count(*) AS n FROM above`,
);

/** Tasks that were submitted by the runs of others. */
export const createFamily = (db: D1Database) => ({
  /** How many tasks are above one, each the parent of the next; stops counting at `most`. */
  async countAncestors({ owner, id }: TaskKey, most: number): Promise<number> {
    return (await db.prepare(COUNT_ANCESTORS).bind(owner, id, most).first<number>('n')) ?? 0;
  },
});

export type Family = ReturnType<typeof createFamily>;
