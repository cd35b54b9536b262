import type { Task } from '../../src/domain/task.ts';
import { rewriting } from './mutants.ts';
import type { Mutation } from './world.ts';

/** The classic bug: what is free is counted first, and given away when others have given it. */
const countsThenAdmits: Mutation = {
  admission: (real, database) => {
    const admit: typeof real.admit = async (keys) => {
      const admitted = [];
      for (const { owner, key } of keys) {
        const { results } = await database
          .prepare(
            `SELECT id FROM tasks WHERE owner = ?1 AND limit_key = ?2 AND turn IS NOT NULL
            LIMIT coalesce((
              SELECT max(0, coalesce(max_running, 9) - (SELECT count(*) FROM tasks WHERE limit_key = ?2 AND slot IS NOT NULL))
              FROM limits
              WHERE key = ?2
            ), 9)`,
          )
          .bind(owner, key)
          .all<Pick<Task, 'id'>>();
        admitted.push(...(await real.admit([{ owner, key }])));
        for (const { id } of results)
          await database
            .prepare(
              `UPDATE tasks SET held = NULL, turn = NULL, slot = 1, wake_at = 1 WHERE id = ? AND turn IS NOT NULL`,
            )
            .bind(id)
            .run();
      }
      return admitted;
    };
    return { ...real, admit };
  },
};

/** Bugs that the model of limits must find, by name. */
export const limitMutants: Record<string, Mutation> = {
  'a slot that a rescue keeps': rewriting('sweep.rescue', 'slot = NULL', 'slot = slot'),
  'a slot that a retry keeps': rewriting('tasks.reschedule_held', 'slot = NULL', 'slot = slot'),
  'an admission outside the statement': countsThenAdmits,
  'an admission that does not count': rewriting(
    'limits.admit_plain',
    'SELECT count(*) FROM (SELECT 1 FROM tasks INDEXED BY tasks_slots',
    'SELECT 0 * count(*) FROM (SELECT 1 FROM tasks INDEXED BY tasks_slots',
  ),
  'a limit that is forgotten after a recording': {
    admission: (real) => ({ ...real, admitAfter: async () => {} }),
  },
  'tokens that are not spent': rewriting('limits.pick', ' - p.n,', ','),
  'tokens of sub-keys that are not spent': rewriting('limits.spend', ' - count(*)', ''),
  'an old pick that is admitted again': rewriting('limits.admit_picked', ' AND changes() > 0', ''),
  'a sub-key that is not counted': rewriting(
    'limits.pick',
    'ELSE l.sub_max_running - (',
    'ELSE l.sub_max_running - 0 * (',
  ),
  'a clock that forgets limits': rewriting(
    'sweep.next_wake',
    "EXISTS (SELECT 1 FROM tasks INDEXED BY tasks_held WHERE turn IS NOT NULL AND owner > '') AS has_limited",
    '0 AS has_limited',
  ),
  'a clock that forgets rates and pauses': rewriting(
    'sweep.next_wake',
    '(SELECT min(wake_at) FROM limits WHERE wake_at IS NOT NULL) AS limit_at',
    'NULL AS limit_at',
  ),
  'an insert that goes around its limit': rewriting('tasks.insert', "THEN 'limit'", 'THEN NULL'),
};
