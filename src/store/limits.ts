import { getTableColumns } from 'drizzle-orm';
import { MAX_LIMITS, type Limit, type LimitNumbers } from '../domain/limit.ts';
import { limitsTable } from '../schema/limits.ts';
import { limitTokensSql, tokensAtSql } from './rate-sql.ts';
import { nameStatement } from './statements.ts';

// What an owner's limits allow; admission.ts is what they do.

/** All but what an admission leaves for its next statement, which may be long. */
export const LIMIT_COLUMNS = Object.keys(getTableColumns(limitsTable)).filter(
  (column) => column !== 'picked',
);

const NUMBERS = [
  'max_running',
  'rate_count',
  'rate_ms',
  'rate_burst',
  'sub_max_running',
  'sub_rate_count',
  'sub_rate_ms',
  'sub_rate_burst',
] as const satisfies (keyof LimitNumbers)[];

const COUNT = `(SELECT count(*) FROM limits WHERE owner = ?1)`;

const PUT = nameStatement(
  'limits.put',
  `INSERT INTO limits (owner, key, created_at, updated_at, for_type, ${NUMBERS.join(', ')})
SELECT ?1, ?2, ?3, ?3, 1, ${NUMBERS.map((_, i) => `?${i + 4}`).join(', ')}
WHERE EXISTS (SELECT 1 FROM limits WHERE owner = ?1 AND key = ?2) OR ${COUNT} < ${MAX_LIMITS}
ON CONFLICT (owner, key) DO UPDATE
SET ${NUMBERS.map((name) => `${name} = excluded.${name}`).join(', ')},
  tokens = ${limitTokensSql},
  tokens_at = ${tokensAtSql('limits.tokens_at')},
  wake_at = NULL,
  for_type = 1,
  updated_at = excluded.updated_at
RETURNING ${LIMIT_COLUMNS.join(', ')}`,
);

// Only those that are not there, as many as there is room for: numbers of a submit change nothing.
const ENSURE = nameStatement(
  'limits.ensure',
  `INSERT INTO limits (owner, key, created_at, updated_at, ${NUMBERS.join(', ')})
SELECT ?1, j.value ->> 0, ?3, ?3, ${NUMBERS.map((_, i) => `value ->> ${i + 1}`).join(', ')}
FROM json_each(?2) AS j
WHERE NOT EXISTS (SELECT 1 FROM limits WHERE owner = ?1 AND key = j.value ->> 0)
LIMIT max(0, ${MAX_LIMITS} - ${COUNT})`,
);
const FIND_KEYS = nameStatement(
  'limits.find_keys',
  `SELECT key
FROM limits
WHERE owner = ?1 AND key IN (SELECT value ->> 0 FROM json_each(?2))`,
);

const PAUSE = nameStatement(
  'limits.pause',
  `UPDATE limits
SET paused_until = max(coalesce(paused_until, 0), ?3), updated_at = ?4
WHERE owner = ?1 AND key = ?2
RETURNING ${LIMIT_COLUMNS.join(', ')}`,
);
const RESUME = nameStatement(
  'limits.resume',
  `UPDATE limits
SET paused_until = NULL, updated_at = ?3
WHERE owner = ?1 AND key = ?2
RETURNING ${LIMIT_COLUMNS.join(', ')}`,
);

const REMOVE = nameStatement(
  'limits.remove',
  'DELETE FROM limits WHERE owner = ?1 AND key = ?2 RETURNING key',
);

export const createLimitStore = (db: D1Database) => {
  const first = (sql: string, ...values: unknown[]): Promise<Limit | null> =>
    db
      .prepare(sql)
      .bind(...values)
      .first<Limit>();
  return {
    /** Makes a limit, or gives it other numbers; null when the owner has too many others. */
    put: (owner: string, key: string, numbers: LimitNumbers, now: number) =>
      first(PUT, owner, key, now, ...NUMBERS.map((name) => numbers[name])),

    /** Makes those that are not there. Returns which are there then. */
    async ensure(
      owner: string,
      limits: readonly { key: string; numbers: LimitNumbers }[],
      now: number,
    ): Promise<Set<string>> {
      const rows = limits.map(({ key, numbers }) => [key, ...NUMBERS.map((name) => numbers[name])]);
      const text = JSON.stringify(rows);
      const [, found] = await db.batch<{ key: string }>([
        db.prepare(ENSURE).bind(owner, text, now),
        db.prepare(FIND_KEYS).bind(owner, text),
      ]);
      return new Set((found?.results ?? []).map(({ key }) => key));
    },

    /** Lets nothing begin before `until` (ms); null where there is no such limit. */
    pause: (owner: string, key: string, until: number, now: number) =>
      first(PAUSE, owner, key, until, now),
    resume: (owner: string, key: string, now: number) => first(RESUME, owner, key, now),

    /** What waits for it is held back by nothing any more; false where there is none. */
    remove: async (owner: string, key: string): Promise<boolean> =>
      (await db.prepare(REMOVE).bind(owner, key).first()) !== null,
  };
};

export type LimitStore = ReturnType<typeof createLimitStore>;
