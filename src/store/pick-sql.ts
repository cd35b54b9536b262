import { MAX_RUNNING, SLICE_MS } from '../domain/limit.ts';
import { FOR_EVER } from '../domain/registered-type.ts';
import { HELD, limitSql, SLOTS } from './admission-sql.ts';
import { sliceSql, tokensSql, wholeSql } from './rate-sql.ts';
import { nameStatement } from './statements.ts';

/** Sub-keys that one call looks at: one more for each task, and those that are full. */
const MAX_VISITS = 2_000;

// Sub-keys take turns. The walk goes round them by seeks, from the one that came last: `round` 1 finds
// the next sub-key (even places) and its first task (odd ones), each further round one task more of those
// that have room. It is made as far as it is read, in the order of rounds, so nothing is ranked that
// does not get its turn.
const SUB_TOKENS = `(SELECT %s FROM limit_subs WHERE owner = ?1 AND key = ?2 AND sub_key = walk.sub)`;
const subRoom = `min(
      CASE WHEN l.sub_max_running IS NULL THEN ${MAX_RUNNING} ELSE l.sub_max_running - (
        SELECT count(*) FROM (SELECT 1 FROM ${SLOTS} AND sub_key = walk.sub LIMIT ${MAX_RUNNING})
      ) END,
      CASE WHEN l.sub_rate_count IS NULL THEN ${MAX_RUNNING} ELSE ${wholeSql(
        tokensSql(
          'sub_',
          SUB_TOKENS.replace('%s', 'tokens'),
          SUB_TOKENS.replace('%s', 'tokens_at'),
        ),
      )} END
    )`;
export const PICK = nameStatement(
  'limits.pick',
  `WITH RECURSIVE l AS MATERIALIZED ${limitSql(false)},
walk(round, place, lap, last, sub, turn, room) AS (
  SELECT 0, 0, 0, cursor, cursor, NULL, 0 FROM l WHERE free > 0
  UNION ALL
  SELECT
    1,
    place + 2,
    CASE WHEN sub IS NULL THEN 1 ELSE lap END,
    last,
    CASE
      WHEN sub IS NULL THEN (SELECT min(sub_key) FROM ${HELD} AND sub_key <= walk.last)
      WHEN lap = 0 THEN (SELECT min(sub_key) FROM ${HELD} AND sub_key > walk.sub)
      ELSE (SELECT min(sub_key) FROM ${HELD} AND sub_key > walk.sub AND sub_key <= walk.last)
    END,
    NULL,
    0
  FROM walk
  WHERE turn IS NULL AND round < 2 AND place % 2 = 0 AND place < ${2 * MAX_VISITS}
    AND NOT (lap = 1 AND sub IS NULL)
  UNION ALL
  SELECT
    CASE WHEN turn IS NULL THEN 1 ELSE round + 1 END,
    CASE WHEN turn IS NULL THEN place + 1 ELSE place END,
    lap,
    last,
    sub,
    (SELECT min(turn) FROM ${HELD} AND sub_key = walk.sub AND turn > coalesce(walk.turn, '')),
    CASE WHEN turn IS NOT NULL THEN room - 1 ELSE ${subRoom} END
  FROM walk, l
  WHERE round > 0 AND sub IS NOT NULL
    AND (turn IS NOT NULL AND room > 1 OR turn IS NULL AND place % 2 = 0)
  ORDER BY 1, 2
),
picks AS (
  SELECT sub, turn
  FROM walk
  WHERE turn IS NOT NULL AND room > 0
  LIMIT (SELECT free + (free > 0 AND rate_count IS NOT NULL) FROM l)
)
UPDATE limits
SET picked = p.ids,
  cursor = coalesce(p.ids ->> '$[#-1][1]', limits.cursor),
  tokens = p.tokens,
  tokens_at = CASE WHEN p.tokens IS NOT NULL THEN CAST(?3 AS INTEGER) END,
  wake_at = p.next_at
FROM (
  SELECT
    n,
    ids,
    tokens_now - n AS tokens,
    CASE
      WHEN paused_until > ?3
      THEN CASE WHEN EXISTS (SELECT 1 FROM ${HELD}) THEN nullif(paused_until, ${FOR_EVER}) END
      WHEN ${wholeSql('(tokens_now - n)')} < 1
      THEN CASE
        WHEN found > n OR n = 0 AND EXISTS (SELECT 1 FROM ${HELD})
        THEN CAST(?3 + 0.999 + (max(1, ${sliceSql('')}) - tokens_now + n) * rate_ms / rate_count AS INTEGER)
      END
      WHEN sub_rate_count IS NOT NULL AND n < free AND EXISTS (SELECT 1 FROM ${HELD})
      THEN CAST(?3 + ${SLICE_MS} AS INTEGER)
    END AS next_at
  FROM (
    SELECT
      found,
      min(found, max(0, free)) AS n,
      CASE WHEN found > free THEN json_remove(ids, '$[#-1]') ELSE ids END AS ids,
      l.*
    FROM (
      SELECT count(*) AS found, json_group_array(json_array(substr(turn, 2), sub)) AS ids FROM picks
    )
    CROSS JOIN l
  )
) AS p
WHERE limits.owner = ?1 AND limits.key = ?2 AND (
  p.n > 0
  OR (limits.wake_at IS NULL) <> (p.next_at IS NULL)
  OR limits.wake_at <= ?3
  OR limits.wake_at > p.next_at + 1
)
RETURNING limits.wake_at`,
);
