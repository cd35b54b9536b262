import { lifecycle } from '../domain/lifecycle.ts';
import { dueRowsSql } from './due.ts';
import { isOutsideSql } from './runnable.ts';
import { appendAttemptSql, guardSql, nameStatement, SUMMARY_COLUMNS } from './statements.ts';

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

// A task that a person was to end has no attempt until then: this is its only one.
export const EXPIRE = nameStatement(
  'sweep.expire',
  `UPDATE tasks
SET status = '${lifecycle.settle.failTo}',
  attempt = attempt + 1,
  version = version + 1,
  started_at = ?1,
  updated_at = ?1,
  completed_at = ?1,
  held = NULL,
  wake_at = NULL,
  failure_sinks = ?3,
  attempts = ${appendAttemptSql(`'failed'`, EXPIRED_ERROR, '?1', 'tasks.attempt + 1', '?1')}
WHERE ${dueRowsSql('person')}
  AND ${guardSql('settle')}
RETURNING ${SUMMARY_COLUMNS.join(', ')}`,
);
