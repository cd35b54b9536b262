import { MAX_RUNNING, SLICE_MS } from '../domain/limit.ts';
import { FOR_EVER } from '../domain/registered-type.ts';
import { HELD, LIMIT, SLOTS } from './admission-sql.ts';
import { limitTokensSql, sliceSql, tokensAtSql, tokensSql, wholeSql } from './rate-sql.ts';
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
  `WITH RECURSIVE l AS MATERIALIZED ${LIMIT},
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
  WHERE (turn IS NOT NULL AND room > 0) OR (place >= ${2 * MAX_VISITS} AND turn IS NULL AND sub IS NOT NULL)
  LIMIT (SELECT free FROM l)
)
UPDATE limits
SET picked = p.ids,
  cursor = coalesce(p.ids ->> '$[#-1][1]', limits.cursor),
  tokens = ${limitTokensSql} - p.n,
  tokens_at = CASE WHEN rate_count IS NOT NULL THEN ${tokensAtSql('limits.tokens_at')} END
FROM (
  SELECT count(*) AS found, count(turn) AS n, json_group_array(json_array(substr(turn, 2), sub)) AS ids
  FROM picks
) AS p
WHERE limits.owner = ?1 AND limits.key = ?2 AND p.found > 0`,
);

/** Sub-keys whose next token is computed; of more, they are asked for now and then. */
const MAX_TIMED = 200;
/** How much later than its time a token of theirs may be seen, as a part of that time. */
const LATE_PART = 20;
const MAX_LATE_MS = 30_000;

const subTime = 's.tokens_at + (1 - s.tokens) * sub_rate_ms / sub_rate_count';
const nextOfSubs = `(
      SELECT CASE
        WHEN min(at) <= ?3 THEN ?3 + ${SLICE_MS}
        WHEN count(*) < ${MAX_TIMED} THEN min(at)
        ELSE min(
          min(at),
          ?3 + max(${SLICE_MS}, min(${MAX_LATE_MS}, sub_rate_ms / sub_rate_count / ${LATE_PART}.0))
        )
      END
      FROM (
        SELECT ${subTime} AS at
        FROM limit_subs AS s
        WHERE s.owner = ?1 AND s.key = ?2 AND EXISTS (SELECT 1 FROM ${HELD} AND sub_key = s.sub_key)
        LIMIT ${MAX_TIMED}
      )
    )`;
const nextWake = `CAST(0.999 + CASE
    WHEN NOT EXISTS (SELECT 1 FROM ${HELD}) THEN NULL
    WHEN paused_until > ?3 THEN nullif(paused_until, ${FOR_EVER})
    WHEN ${wholeSql(limitTokensSql)} < 1
    THEN tokens_at + (max(1, ${sliceSql('')}) - tokens) * rate_ms / rate_count
    WHEN sub_rate_count IS NOT NULL THEN ${nextOfSubs}
  END AS INTEGER)`;

// After the others: when time alone lets go what is held still.
export const SET_WAKE = nameStatement(
  'limits.set_wake',
  `UPDATE limits
SET wake_at = ${nextWake}
WHERE owner = ?1
  AND key = ?2
  AND coalesce(paused_until, rate_count, sub_rate_count) IS NOT NULL
  AND wake_at IS NOT ${nextWake}
RETURNING wake_at`,
);
