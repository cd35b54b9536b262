import type { Task } from '../domain/task.ts';
import { ADMIT_PICKED, ADMIT_PLAIN, SPEND } from './admission-sql.ts';
import { PICK } from './pick-sql.ts';
import { nameStatement } from './statements.ts';

const FIND_DUE = nameStatement(
  'limits.find_due',
  'SELECT owner, key FROM limits INDEXED BY limits_due WHERE wake_at <= ?1 ORDER BY wake_at LIMIT ?2',
);

const NEXT_KEY = `SELECT json_array(owner, limit_key)
    FROM tasks INDEXED BY tasks_held
    WHERE turn IS NOT NULL AND (owner, limit_key) > (%s)
    ORDER BY owner, limit_key
    LIMIT 1`;
// Each by a seek.
const FIND_WAITING = nameStatement(
  'limits.find_waiting',
  `WITH RECURSIVE found(j) AS (
  SELECT (${NEXT_KEY.replace('%s', '?1, ?2')})
  UNION ALL
  SELECT (${NEXT_KEY.replace('%s', 'j ->> 0, j ->> 1')})
  FROM found
  WHERE j IS NOT NULL
  LIMIT ?3
)
SELECT j ->> 0 AS owner, j ->> 1 AS key FROM found WHERE j IS NOT NULL`,
);

/** A limit of an owner's. */
export interface LimitKey {
  owner: string;
  key: string;
}

/** A task that a limit let go: to its queue, unless something else holds it. */
export type AdmittedTask = Pick<Task, 'owner' | 'id' | 'queue' | 'rescues' | 'held'> & {
  /** Of its parameters. */
  bytes: number;
};

/** What one call under a key did. */
export interface Admission {
  tasks: AdmittedTask[];
  /** When the clock must look at the key, if that is new; ms. */
  wakeAt: number | null;
}

export const createAdmissionStore = (db: D1Database) => ({
  /** The limits that the clock must look at, by their moment. */
  async findDue(now: number, limit: number): Promise<LimitKey[]> {
    return (await db.prepare(FIND_DUE).bind(now, limit).all<LimitKey>()).results;
  },

  /** The limits that hold tasks, in the order of owner and key, after this one. */
  async findWaiting({ owner, key }: LimitKey, limit: number): Promise<LimitKey[]> {
    return (await db.prepare(FIND_WAITING).bind(owner, key, limit).all<LimitKey>()).results;
  },

  /** Admits under each key what its limit allows, `MAX_RUNNING` tasks at most; in one transaction. */
  async admit(keys: readonly LimitKey[], now: number): Promise<Admission[]> {
    const statements = keys.flatMap(({ owner, key }) =>
      [ADMIT_PLAIN, PICK, ADMIT_PICKED, SPEND].map((sql) => db.prepare(sql).bind(owner, key, now)),
    );
    const results = await db.batch<AdmittedTask & { wake_at: number | null }>(statements);
    return keys.map((_, i) => {
      const [plain, pick, picked] = results.slice(4 * i).map((result) => result.results);
      return {
        tasks: [...(plain ?? []), ...(picked ?? [])],
        wakeAt: pick?.[0]?.wake_at ?? null,
      };
    });
  },
});

export type AdmissionStore = ReturnType<typeof createAdmissionStore>;
