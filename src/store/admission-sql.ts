import { lifecycle } from '../domain/lifecycle.ts';
import { MAX_RUNNING } from '../domain/limit.ts';
import { bodyBytesSql } from './body-sql.ts';
import { LIMIT_COLUMNS } from './limits.ts';
import { limitTokensSql, tokensAtSql, tokensSql, wholeSql } from './rate-sql.ts';
import { runnableSql } from './runnable.ts';
import { nameStatement } from './statements.ts';

// How tasks under a limit become runnable. D1 has one writer, so one batch that counts and admits is
// exact: nothing else decides. A task that waits has a `turn`; one that was admitted has a `slot` until
// its attempt ends. Both are in partial indexes, and nothing is counted twice.
//
// ?1 is the owner, ?2 the key, ?3 now in ms.

/** What the limit holds, and … */
export const HELD = `tasks INDEXED BY tasks_held WHERE owner = ?1 AND limit_key = ?2 AND turn IS NOT NULL`;
/** … what it admitted, as rows of SQL. */
export const SLOTS = `tasks INDEXED BY tasks_slots WHERE owner = ?1 AND limit_key = ?2 AND slot IS NOT NULL`;

/** Whether a limit has no more than a number at once, and no sub-keys that take turns. */
const IS_PLAIN = `coalesce(rate_count, sub_max_running, sub_rate_count) IS NULL
      AND NOT EXISTS (SELECT 1 FROM ${HELD} AND sub_key > '')`;
const FREE_SLOTS = `coalesce(max_running, ${MAX_RUNNING}) - (
            SELECT count(*) FROM (SELECT 1 FROM ${SLOTS} LIMIT ${MAX_RUNNING})
          )`;

// `free` are the slots and tokens that may be given; a plain limit has a statement of its own.
export const LIMIT = `(
  SELECT
    *,
    CASE
      WHEN paused_until > ?3 OR is_plain THEN 0
      ELSE min(
        ${MAX_RUNNING},
        CASE
          WHEN coalesce(max_running, sub_max_running) IS NULL THEN ${MAX_RUNNING}
          ELSE ${FREE_SLOTS}
        END,
        coalesce(${wholeSql('tokens_now')}, ${MAX_RUNNING})
      )
    END AS free
  FROM (
    SELECT ${LIMIT_COLUMNS.join(', ')}, ${limitTokensSql} AS tokens_now, ${IS_PLAIN} AS is_plain
    FROM limits
    WHERE owner = ?1 AND key = ?2
  )
)`;

const admitted = runnableSql({
  now: '?3',
  scheduledAt: 'NULL',
  queue: 'queue',
  timeoutMs: 'timeout_ms',
  limitKey: 'NULL',
});
const SET_ADMITTED = `held = ${admitted.held},
  wake_at = CAST(${admitted.wakeAt} AS INTEGER),
  turn = NULL,
  slot = CAST(?3 AS INTEGER)`;
/** Whatever else is said of a row, only what the limit holds is let go. */
const IS_HELD = `turn IS NOT NULL AND +held = 'limit' AND status = '${lifecycle.submit.to}'`;
const ADMITTED = `owner, id, queue, rescues, held, ${bodyBytesSql('params')} AS bytes`;

// The usual limit, a number at once: in order, and without a write to the limit. One that was deleted
// holds nothing back.
export const ADMIT_PLAIN = nameStatement(
  'limits.admit_plain',
  `UPDATE tasks
SET ${SET_ADMITTED}
WHERE (owner, id) IN (
    SELECT owner, id
    FROM ${HELD}
    ORDER BY sub_key, turn
    LIMIT coalesce((
      SELECT CASE
        WHEN paused_until > ?3 OR NOT (${IS_PLAIN}) THEN 0
        WHEN max_running IS NULL THEN ${MAX_RUNNING}
        ELSE max(0, ${FREE_SLOTS})
      END
      FROM limits
      WHERE owner = ?1 AND key = ?2
    ), ${MAX_RUNNING})
  )
  AND ${IS_HELD}
RETURNING ${ADMITTED}`,
);

// `changes()`: without a new pick, the old one must not be admitted again.
export const ADMIT_PICKED = nameStatement(
  'limits.admit_picked',
  `UPDATE tasks
SET ${SET_ADMITTED}
WHERE (owner, id) IN (
    SELECT ?1, value ->> 0
    FROM json_each((SELECT picked FROM limits WHERE owner = ?1 AND key = ?2 AND changes() > 0))
  )
  AND ${IS_HELD}
RETURNING ${ADMITTED}`,
);

export const SPEND = nameStatement(
  'limits.spend',
  `INSERT INTO limit_subs (owner, key, sub_key, tokens, tokens_at)
SELECT
  ?1,
  ?2,
  j.value ->> 1,
  ${tokensSql('l.sub_', 's.tokens', 's.tokens_at')} - count(*),
  ${tokensAtSql('s.tokens_at')}
FROM limits AS l
CROSS JOIN json_each(l.picked) AS j
LEFT JOIN limit_subs AS s ON s.owner = ?1 AND s.key = ?2 AND s.sub_key = j.value ->> 1
WHERE l.owner = ?1 AND l.key = ?2 AND l.sub_rate_count IS NOT NULL AND changes() > 0
  AND j.value ->> 0 IS NOT NULL
GROUP BY j.value ->> 1
ON CONFLICT (owner, key, sub_key) DO UPDATE
SET tokens = excluded.tokens, tokens_at = excluded.tokens_at`,
);
