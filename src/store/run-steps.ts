import type { RunKey } from '../domain/run-token.ts';
import { guardSql, nameStatement } from './statements.ts';

/** Steps of one task. */
const MAX_STEPS = 1_000;

// Fenced: only the attempt that has the task keeps what it did.
const SAVE = nameStatement(
  'run_steps.save',
  `INSERT INTO run_steps (owner, task_id, name, attempt, result)
SELECT owner, id, ?4, attempt, ?5
FROM tasks
WHERE owner = ?1
  AND id = ?2
  AND attempt = ?3
  AND ${guardSql('complete')}
  AND (SELECT count(*) FROM run_steps WHERE owner = ?1 AND task_id = ?2) < ${MAX_STEPS}
ON CONFLICT (owner, task_id, name) DO NOTHING`,
);

const READ = nameStatement(
  'run_steps.read',
  'SELECT name, attempt, result FROM run_steps WHERE owner = ?1 AND task_id = ?2',
);

/** A step that has resolved; `result` is JSON. */
export interface RunStep {
  name: string;
  attempt: number;
  result: string;
}

/** Steps that have resolved, by task. */
export const createRunSteps = (db: D1Database) => ({
  async read({ owner, id }: Pick<RunKey, 'owner' | 'id'>): Promise<RunStep[]> {
    return (await db.prepare(READ).bind(owner, id).all<RunStep>()).results;
  },

  /**
   * Stores what a step resolved to (JSON). Repeating it is safe: what was stored first stays.
   * @returns the steps that there are; without this one when the run is over, or has too many
   */
  async save({ owner, id, attempt }: RunKey, name: string, result: string): Promise<RunStep[]> {
    const [, { results }] = (await db.batch<RunStep>([
      db.prepare(SAVE).bind(owner, id, attempt, name, result),
      db.prepare(`${READ} AND name = ?3`).bind(owner, id, name),
    ])) as [D1Result<RunStep>, D1Result<RunStep>];
    return results;
  },
});

export type RunSteps = ReturnType<typeof createRunSteps>;
