import { lifecycle } from '../domain/lifecycle.ts';
import { RESEND_AFTER_MS } from '../domain/new-task.ts';
import type { QueueName } from '../domain/routing.ts';
import type { Task } from '../domain/task.ts';
import type { HeldReason } from '../domain/words.ts';
import { isPausedSql, isTypeOpenSql, runnableSql } from './runnable.ts';
import { leaseEndSql, nameStatement } from './statements.ts';

/** The longest that a task whose message is missing waits for its next look. */
const MAX_RESEND_AFTER_MS = 120_000;

const { held } = runnableSql({
  now: '?1',
  scheduledAt: 'NULL',
  queue: 'queue',
  timeoutMs: 'timeout_ms',
  // It was admitted before it was sent.
  limitKey: 'NULL',
});

const SENT_AT = 'max(updated_at, coalesce(scheduled_at, 0))';
/** Distances grow with the time that a task has been waiting, give or take a quarter. */
const NEXT_LOOK = `?1 + min(${MAX_RESEND_AFTER_MS}, max(${RESEND_AFTER_MS}, ?1 - ${SENT_AT}))
    * (750 + abs(random() % 500)) / 1000`;

// What should have left its queue. A task that runs is held by its lease from now on; one whose queue
// is paused is parked, which costs one write, and waiting none; of any other the message is lost.
// Clients see nothing of it: neither version nor updated_at moves. D1 binds every number as REAL, and
// a STRICT column takes no fraction: hence the cast. NEW is what an older release wrote.
export const LOOK = nameStatement(
  'sweep.look',
  `UPDATE tasks
SET held = CASE status
    WHEN '${lifecycle.claim.to}' THEN 'lease'
    WHEN 'NEW' THEN 'time'
    ELSE CASE WHEN ${isTypeOpenSql('?1')} THEN ${held} ELSE 'time' END
  END,
  wake_at = CAST(CASE
    WHEN status = '${lifecycle.claim.to}' THEN ${leaseEndSql('tasks.started_at')}
    WHEN status = 'NEW' THEN wake_at
    WHEN NOT ${isTypeOpenSql('?1')} THEN (
      SELECT paused_until FROM task_types WHERE owner = tasks.owner AND name = tasks.type
    )
    WHEN ${isPausedSql('queue')} THEN NULL
    WHEN ${SENT_AT} + ${RESEND_AFTER_MS} > ?1 THEN ${SENT_AT} + ${RESEND_AFTER_MS}
    ELSE ${NEXT_LOOK}
  END AS INTEGER)
WHERE (owner, id) IN (
    SELECT due.owner, due.id
    FROM json_each(?3) AS j
    CROSS JOIN tasks AS due INDEXED BY tasks_due
      ON due.held IS NULL
      AND due.queue = j.value ->> 'queue'
      AND due.wake_at <= j.value ->> 'until'
    LIMIT ?2
  )
  AND +held IS NULL
  AND +wake_at <= ?1
RETURNING
  owner,
  id,
  queue,
  rescues,
  held,
  status = 'PENDING' AND held IS NULL AND ${SENT_AT} + ${RESEND_AFTER_MS} <= ?1 AS is_lost`,
);

/** Of which tasks of a queue the message should be gone: those with `wake_at` until then (ms). */
export interface Look {
  queue: QueueName;
  until: number;
}

/** A row of which the clock may send a message. */
export type Overdue = Pick<Task, 'owner' | 'id' | 'queue' | 'rescues'>;

/** What `LOOK` tells of a row. */
export type Looked = Overdue & { held: HeldReason | null; is_lost: 0 | 1 };
