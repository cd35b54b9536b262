import { lifecycle } from '../domain/lifecycle.ts';
import { dueRowsSql } from './due.ts';
import { isOutsideSql, SET_IDLE } from './runnable.ts';
import { guardSql, nameStatement, settleSetSql, SUMMARY_COLUMNS } from './statements.ts';

// What the clock does with runs outside whose time is over, and with tasks that were to begin by now.

// The lease of a run outside ends with its time at the latest: one that ended there took too long,
// and nobody need have died. Of runs inside, the executor sees to that.
export const IS_TIMED_OUT = `(
    wake_at = started_at + timeout_ms
    AND (
      ${isOutsideSql('queue')}
      OR EXISTS (SELECT 1 FROM task_types WHERE owner = tasks.owner AND name = tasks.type)
    )
  )`;

export const FIND_TIMED_OUT = nameStatement(
  'sweep.find_timed_out',
  `SELECT *
FROM tasks
WHERE ${dueRowsSql('lease', `AND ${IS_TIMED_OUT}`)}
  AND tasks.status = '${lifecycle.claim.to}'`,
);

const EXPIRED_ERROR = `json_object('code', 'timeout', 'message', 'Nobody ended it in time')`;

export const EXPIRE = nameStatement(
  'sweep.expire',
  `UPDATE tasks
SET ${settleSetSql('failed', '?1', EXPIRED_ERROR)},
  failure_sinks = ?3
WHERE ${dueRowsSql('person')}
  AND ${guardSql('settle')}
RETURNING ${SUMMARY_COLUMNS.join(', ')}`,
);

/** What has begun once does not expire. */
export const EXPIRE_UNBEGUN = nameStatement(
  'sweep.expire_unbegun',
  `UPDATE tasks
SET status = '${lifecycle.expire.to}',
  version = version + 1,
  updated_at = ?1,
  completed_at = ?1,
  end_reason = 'expired',
  ${SET_IDLE}
WHERE (owner, id) IN (
    SELECT owner, id
    FROM tasks INDEXED BY tasks_expiring
    WHERE expires_at <= ?1 AND attempt = 0 AND items IS NULL AND completed_at IS NULL
    LIMIT ?2
  )
  AND attempt = 0
  AND items IS NULL
  AND ${guardSql('expire')}
RETURNING ${SUMMARY_COLUMNS.join(', ')}`,
);
