import { BLOCKED_BY } from '../domain/flow.ts';
import { lifecycle } from '../domain/lifecycle.ts';
import { ROUTES } from '../domain/routing.ts';
import type { Task } from '../domain/task.ts';
import { selectBodies } from './bodies.ts';
import { bodyBytesSql } from './body-sql.ts';
import { runnableSql, SET_IDLE, setRunnableSql } from './runnable.ts';
import { guardSql, jsonRows, nameStatement, settleSetSql, SUMMARY_COLUMNS } from './statements.ts';

// The release step: what becomes of nodes that nothing keeps any more. Each write is guarded by the row
// as it was read, so it may be repeated.

const ROWS = [...SUMMARY_COLUMNS.map((column) => `tasks.${column}`), selectBodies('1')].join(', ');
const IS_READY = `tasks.held = 'flow' AND tasks.wake_at IS NOT NULL`;

export const FIND_AFTER = nameStatement(
  'releases.find_after',
  `WITH ended AS MATERIALIZED (SELECT value FROM json_each(?1)),
ready(owner, id) AS (
  SELECT flow_edges.owner, flow_edges.follower
  FROM ended
  CROSS JOIN flow_edges
    ON flow_edges.owner = ended.value ->> 'owner' AND flow_edges.before = ended.value ->> 'id'
  UNION
  SELECT list.owner, list.id
  FROM ended
  CROSS JOIN tasks AS list INDEXED BY tasks_by_flow
    ON list.owner = ended.value ->> 'owner'
    AND list.flow_id = ended.value ->> 'flow_id'
    AND list.node = ended.value ->> 'node'
    AND list.item IS NULL
  WHERE ended.value ->> 'item' IS NOT NULL
)
SELECT ${ROWS}
FROM ready
CROSS JOIN tasks ON tasks.owner = ready.owner AND tasks.id = ready.id
WHERE ${IS_READY}
LIMIT ?2`,
);

export const FIND_DUE = nameStatement(
  'releases.find_due',
  `SELECT ${ROWS}
FROM tasks INDEXED BY tasks_due
WHERE tasks.held = 'flow'
  AND tasks.queue IN (${ROUTES.map((route) => `'${route}'`).join(', ')})
  AND tasks.wake_at <= ?1
LIMIT ?2`,
);

/** Results that come with their rows: those of a thousand fit into an answer. */
const MAX_BYTES_WITH_ROW = 1_024;
const RESULT_BYTES = bodyBytesSql('tasks.result');
export const FIND_SOURCES = nameStatement(
  'releases.find_sources',
  `SELECT tasks.owner, tasks.id, tasks.flow_id, tasks.node, tasks.item, tasks.status, tasks.for_each,
  tasks.items, coalesce(${RESULT_BYTES}, 0) AS bytes,
  CASE WHEN ${RESULT_BYTES} <= ${MAX_BYTES_WITH_ROW} THEN tasks.result END AS result
FROM json_each(?1) AS s
CROSS JOIN tasks INDEXED BY tasks_by_flow
  ON tasks.owner = s.value ->> 0
  AND tasks.flow_id = s.value ->> 1
  AND tasks.node = s.value ->> 2`,
);

export const READ_RESULTS = nameStatement(
  'releases.read_results',
  `SELECT tasks.id, tasks.result
FROM json_each(?1) AS k
CROSS JOIN tasks ON tasks.owner = k.value ->> 0 AND tasks.id = k.value ->> 1`,
);

/** A row as it was read. */
const IS_AS_READ = `tasks.owner = r.value ->> 0
  AND tasks.id = r.value ->> 1
  AND tasks.version = r.value ->> 2
  AND tasks.held = 'flow'
  AND tasks.status = '${lifecycle.submit.to}'
  AND tasks.blocked_by = ${BLOCKED_BY.ready}`;
const RETURNED = SUMMARY_COLUMNS.map((column) => `tasks.${column}`).join(', ');

export const RELEASED = [
  'params',
  'blocked_by',
  'scheduled_at',
  'limit_key',
  'sub_key',
  'identifiers',
  'timeout_ms',
] as const satisfies (keyof Task)[];
const given = (column: (typeof RELEASED)[number]): string =>
  `r.value ->> ${3 + RELEASED.indexOf(column)}`;
/** Parameters that stay as they are, are not sent again. */
const toGiven = (column: (typeof RELEASED)[number]): string =>
  column === 'params' ? `coalesce(${given(column)}, tasks.params)` : given(column);
const runnable = runnableSql({
  now: '?2',
  scheduledAt: given('scheduled_at'),
  queue: 'tasks.queue',
  timeoutMs: given('timeout_ms'),
  limitKey: given('limit_key'),
  blockedBy: given('blocked_by'),
});
// The status stays PENDING, also of one that waits for its time: to name it would cost a row.
export const RELEASE = nameStatement(
  'releases.release',
  `${jsonRows('r', '?1')}
UPDATE tasks
SET ${RELEASED.map((column) => `${column} = ${toGiven(column)}`).join(',\n  ')},
  template = CASE WHEN ${given('params')} IS NULL THEN template ELSE tasks.params END,
  version = version + 1,
  updated_at = ?2,
  ${setRunnableSql(runnable)}
FROM r
WHERE ${IS_AS_READ}
RETURNING ${RETURNED}`,
);

/** A list node begins when it has made its tasks. */
const STARTED = 'coalesce(tasks.started_at, ?2)';
export const END = nameStatement(
  'releases.end',
  `${jsonRows('r', '?1')}
UPDATE tasks
SET ${settleSetSql('completed', '?2', 'NULL', STARTED)},
  result = r.value -> 3
FROM r
WHERE ${IS_AS_READ}
RETURNING ${RETURNED}`,
);

export const FAIL = nameStatement(
  'releases.fail',
  `${jsonRows('r', '?1')}
UPDATE tasks
SET ${settleSetSql('failed', '?2', 'r.value -> 3', STARTED)},
  failure_sinks = ?3
FROM r
WHERE ${IS_AS_READ}
RETURNING ${RETURNED}`,
);

// What cannot run, and all that waits for it.
export const CANCEL = nameStatement(
  'releases.cancel',
  `WITH RECURSIVE stopped(owner, id) AS (
  SELECT tasks.owner, tasks.id
  FROM json_each(?1) AS r
  CROSS JOIN tasks ON tasks.owner = r.value ->> 0 AND tasks.id = r.value ->> 1
  WHERE tasks.blocked_by = ${BLOCKED_BY.upstreamFailed} AND tasks.held = 'flow'
  UNION
  SELECT flow_edges.owner, flow_edges.follower
  FROM stopped
  CROSS JOIN flow_edges ON flow_edges.owner = stopped.owner AND flow_edges.before = stopped.id
)
UPDATE tasks
SET status = '${lifecycle.cancel.to}',
  completed_at = ?2,
  ${SET_IDLE},
  end_reason = 'upstream_failed',
  version = version + 1,
  updated_at = ?2
WHERE (owner, id) IN (SELECT owner, id FROM stopped)
  AND ${guardSql('cancel')}
RETURNING ${SUMMARY_COLUMNS.join(', ')}`,
);

const LEFT = `(
    SELECT count(*)
    FROM tasks AS made INDEXED BY tasks_by_flow
    WHERE made.owner = tasks.owner
      AND made.flow_id = tasks.flow_id
      AND made.node = tasks.node
      AND made.item IS NOT NULL
      AND made.completed_at IS NULL
  )`;
export const EXPANDED = nameStatement(
  'releases.expanded',
  `${jsonRows('r', '?1')}
UPDATE tasks
SET started_at = ?2,
  items = r.value ->> 3,
  blocked_by = ${LEFT},
  wake_at = CASE WHEN ${LEFT} = 0 THEN ?2 END,
  version = version + 1,
  updated_at = ?2
FROM r
WHERE ${IS_AS_READ}
RETURNING ${RETURNED}`,
);

export const POSTPONE = nameStatement(
  'releases.postpone',
  `${jsonRows('r', '?1')}
UPDATE tasks SET wake_at = ?2 FROM r WHERE ${IS_AS_READ}`,
);
