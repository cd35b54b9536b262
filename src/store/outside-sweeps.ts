import { lifecycle } from '../domain/lifecycle.ts';
import { dueRowsSql } from './due.ts';
import { isOutsideSql } from './runnable.ts';
import { guardSql, nameStatement, settleSetSql, SUMMARY_COLUMNS } from './statements.ts';

// What the clock does with runs outside whose time is over.

// The lease of a run outside ends with its time at the latest: one that ended there took too long,
// and nobody need have died. Of runs inside, the executor sees to that.
export const IS_TIMED_OUT = `(
    wake_at = started_at + timeout_ms
    AND (${isOutsideSql('queue')} OR limit_key IS NOT NULL)
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
