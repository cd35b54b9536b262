import { lifecycle } from '../domain/lifecycle.ts';
import { runnableSql, SET_IDLE, setRunnableSql } from './runnable.ts';
import { appendAttemptSql, guardSql, nameStatement, SUMMARY_COLUMNS } from './statements.ts';

// The commands on tasks, as statements.

const resumed = runnableSql({
  now: '?1',
  scheduledAt: 'scheduled_at',
  queue: 'queue',
  timeoutMs: 'timeout_ms',
});

/** What a cancel sets. @param now SQL of a moment in ms */
export const cancelSetSql = (now: string): string => `status = '${lifecycle.cancel.to}',
  completed_at = ${now},
  ${SET_IDLE},
  attempts = CASE
    WHEN status = '${lifecycle.claim.to}'
    THEN ${appendAttemptSql(`'cancelled'`, 'NULL', now)}
    ELSE attempts
  END`;

/**
 * What a retry sets.
 * @param now SQL of a moment in ms
 * @param blockedBy what its flow says from now on
 */
export const retrySetSql = (now: string, blockedBy = 'NULL'): string => {
  const again = runnableSql({
    now,
    scheduledAt: 'NULL',
    queue: 'queue',
    timeoutMs: 'timeout_ms',
    blockedBy,
  });
  return `status = '${lifecycle.retry.to}',
  max_attempts = attempt + attempt_budget,
  rescues = 0,
  snoozes = 0,
  scheduled_at = NULL,
  completed_at = NULL,
  progress = NULL,
  expires_at = NULL,
  end_reason = NULL,
  ${setRunnableSql(again)}`;
};

/** The columns that each command sets; ?1 is now. */
const COMMAND_SETS = {
  cancel: cancelSetSql('?1'),
  pause: `status = '${lifecycle.pause.to}',
  ${SET_IDLE}`,
  resume: `status = ${resumed.status},
  ${setRunnableSql(resumed)}`,
  retry: retrySetSql('?1'),
} as const;
/** The commands that change a task's status. */
export type StatusCommand = keyof typeof COMMAND_SETS;

const ofNamed = (column: string): string =>
  `CASE WHEN id = ?3 ->> 0 THEN ${column} END AS ${column}`;
/** A whole row of the one that is named. */
export const WHOLE_NAMED = [
  ...SUMMARY_COLUMNS,
  ...['params', 'result', 'checkpoint', 'identifiers', 'template'].map(ofNamed),
].join(', ');
const IDS = 'SELECT value FROM json_each(?3)';
/** With those that a list node made. */
const IDS_AND_ITEMS = `${IDS}
    UNION ALL
    SELECT made.id
    FROM json_each(?3) AS named
    CROSS JOIN tasks AS list ON list.owner = ?2 AND list.id = named.value AND list.for_each IS NOT NULL AND list.item IS NULL
    CROSS JOIN tasks AS made INDEXED BY tasks_by_flow
      ON made.owner = ?2 AND made.flow_id = list.flow_id AND made.node = list.node AND made.item IS NOT NULL`;
/** A task of a flow goes back with what waits for it: see flow-commands.ts. */
const WHICH: Record<StatusCommand, string> = {
  cancel: `id IN (${IDS_AND_ITEMS})`,
  pause: `id IN (${IDS})`,
  resume: `id IN (${IDS})`,
  retry: `id IN (${IDS}) AND flow_id IS NULL`,
};

/** A command on the tasks whose ids are in ?3. */
export const commandSql = (name: StatusCommand, returning: string): string =>
  nameStatement(
    `tasks.${name}`,
    `UPDATE tasks
SET ${COMMAND_SETS[name]},
  version = version + 1,
  updated_at = ?1
WHERE owner = ?2
  AND ${WHICH[name]}
  AND ${guardSql(name)}
RETURNING ${returning}`,
  );
