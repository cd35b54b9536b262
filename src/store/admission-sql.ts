import { MAX_RUNNING } from '../domain/limit.ts';
import { limitTokensSql, tokensSql, wholeSql } from './rate-sql.ts';
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

// `free` are the slots and tokens that the statement may give: each is for one of two kinds of limits,
// and counts nothing for the other.
export const limitSql = (isPlain: boolean): string => `(
  SELECT
    *,
    CASE
      WHEN paused_until > ?3 OR is_plain <> ${isPlain ? 1 : 0} THEN 0
      ELSE min(
        ${MAX_RUNNING},
        CASE
          WHEN coalesce(max_running, sub_max_running) IS NULL THEN ${MAX_RUNNING}
          ELSE coalesce(max_running, ${MAX_RUNNING}) - (SELECT count(*) FROM ${SLOTS})
        END,
        coalesce(${wholeSql('tokens_now')}, ${MAX_RUNNING})
      )
    END AS free
  FROM (
    SELECT
      limits.*,
      ${limitTokensSql} AS tokens_now,
      coalesce(rate_count, sub_max_running, sub_rate_count) IS NULL
        AND NOT EXISTS (SELECT 1 FROM ${HELD} AND sub_key > '') AS is_plain
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
const ADMITTED = `owner, id, queue, rescues, held, octet_length(params) AS bytes`;

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
    LIMIT coalesce((SELECT max(0, free) FROM ${limitSql(true)}), ${MAX_RUNNING})
  )
  AND turn IS NOT NULL
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
  AND turn IS NOT NULL
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
  CAST(?3 AS INTEGER)
FROM json_each((
  SELECT picked
  FROM limits
  WHERE owner = ?1 AND key = ?2 AND changes() > 0 AND sub_rate_count IS NOT NULL
)) AS j
CROSS JOIN limits AS l ON l.owner = ?1 AND l.key = ?2
LEFT JOIN limit_subs AS s ON s.owner = ?1 AND s.key = ?2 AND s.sub_key = j.value ->> 1
WHERE true
GROUP BY j.value ->> 1
ON CONFLICT (owner, key, sub_key) DO UPDATE
SET tokens = excluded.tokens, tokens_at = excluded.tokens_at`,
);
