import type { Task } from '../domain/task.ts';
import { ADMIT_PICKED, ADMIT_PLAIN, SPEND } from './admission-sql.ts';
import { PICK, SET_WAKE } from './pick-sql.ts';
import { capacitySql, tokensSql } from './rate-sql.ts';
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

const AFTER = `SELECT owner, key, sub_key
  FROM limit_subs
  WHERE (owner, key, sub_key) > (?1, ?2, ?4)
  ORDER BY owner, key, sub_key
  LIMIT ?5`;
const SUBS_AFTER = nameStatement('limits.subs_after', AFTER);
const PRUNE_SUBS = nameStatement(
  'limits.prune_subs',
  `DELETE FROM limit_subs
WHERE (owner, key, sub_key) IN (${AFTER})
  AND NOT EXISTS (
    SELECT 1
    FROM limits AS l
    WHERE l.owner = limit_subs.owner
      AND l.key = limit_subs.key
      AND l.sub_rate_count IS NOT NULL
      AND ${tokensSql('l.sub_', 'limit_subs.tokens', 'limit_subs.tokens_at')} < ${capacitySql('l.sub_')}
  )`,
);

/** A sub-key of a limit that has a rate for each. */
export interface SubKey extends LimitKey {
  sub_key: string;
}

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

/** What is done under a key, in this order. */
const STATEMENTS = [ADMIT_PLAIN, PICK, ADMIT_PICKED, SPEND, SET_WAKE];

export const createAdmissionStore = (db: D1Database) => ({
  /**
   * Forgets sub-keys whose rate is whole again, as if they had never been there: of those after one, in
   * order, `limit` are looked at. Returns the last of them; null: that was all.
   */
  async pruneSubs(after: SubKey, now: number, limit: number): Promise<SubKey | null> {
    const [seen] = await db.batch<SubKey>([
      db.prepare(SUBS_AFTER).bind(after.owner, after.key, null, after.sub_key, limit),
      db.prepare(PRUNE_SUBS).bind(after.owner, after.key, now, after.sub_key, limit),
    ]);
    const found = seen?.results ?? [];
    return found.length < limit ? null : (found.at(-1) ?? null);
  },

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
      STATEMENTS.map((sql) => db.prepare(sql).bind(owner, key, now)),
    );
    const results = await db.batch<AdmittedTask & { wake_at: number | null }>(statements);
    return keys.map((_, i) => {
      const own = results.slice(i * STATEMENTS.length, (i + 1) * STATEMENTS.length);
      const [plain, , picked, , wake] = own.map((result) => result.results);
      return {
        tasks: [...(plain ?? []), ...(picked ?? [])],
        wakeAt: wake?.[0]?.wake_at ?? null,
      };
    });
  },
});

export type AdmissionStore = ReturnType<typeof createAdmissionStore>;
