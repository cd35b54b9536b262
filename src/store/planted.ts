import { FOR_EVER } from '../domain/registered-type.ts';
import { nameStatement } from './statements.ts';

// What goes on after the key that made it is gone: schedules and types. Both tables are small for an
// owner.

const LIST = nameStatement(
  'planted.list',
  `SELECT 'schedule' AS kind, name
FROM schedules
WHERE owner = ?1 AND created_by_key = ?2 AND paused_at IS NULL
UNION ALL
SELECT 'type', name
FROM task_types
WHERE owner = ?1 AND created_by_key = ?2 AND coalesce(paused_until, 0) <= ?3
ORDER BY kind, name`,
);

const PAUSE_SCHEDULES = nameStatement(
  'planted.pause_schedules',
  `UPDATE schedules
SET next_at = NULL, queued_at = NULL, wake_at = NULL, paused_at = ?3, updated_at = ?3,
  version = version + 1
WHERE owner = ?1 AND created_by_key = ?2 AND paused_at IS NULL`,
);

const PAUSE_TYPES = nameStatement(
  'planted.pause_types',
  `UPDATE task_types
SET paused_until = ${FOR_EVER}, updated_at = ?3
WHERE owner = ?1 AND created_by_key = ?2`,
);

/** Schedules and types, by the key that wrote them. */
export const createPlantedStore = (db: D1Database) => ({
  /** The names of those that go on at `now` (ms). */
  async list(
    owner: string,
    keyId: string,
    now: number,
  ): Promise<{ schedules: string[]; types: string[] }> {
    const { results } = await db
      .prepare(LIST)
      .bind(owner, keyId, now)
      .all<{ kind: 'schedule' | 'type'; name: string }>();
    const namesOf = (kind: string): string[] =>
      results.filter((each) => each.kind === kind).map(({ name }) => name);
    return { schedules: namesOf('schedule'), types: namesOf('type') };
  },

  /** Lets none of them go on. */
  async pause(owner: string, keyId: string, now: number): Promise<void> {
    const statements = [PAUSE_SCHEDULES, PAUSE_TYPES];
    await db.batch(statements.map((sql) => db.prepare(sql).bind(owner, keyId, now)));
  },
});
