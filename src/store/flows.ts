import { BLOCKED_BY, type Flow, type FlowEdge, type FlowKey } from '../domain/flow.ts';
import type { PlannedRetry } from '../domain/flow-retry.ts';
import type { Task, TaskSummaryRow } from '../domain/task.ts';
import type { HeldReason } from '../domain/words.ts';
import { chunk } from '../domain/chunk.ts';
import { selectHead } from './bodies.ts';
import { createFlowDeletions } from './flow-deletions.ts';
import { createFlowReads } from './flow-reads.ts';
import { encodeFlowTask, INSERT_FLOW_TASKS, MAX_INSERT } from './inserts.ts';
import {
  guardSql,
  jsonRows,
  MAX_GROUP_CHARS,
  nameStatement,
  SUMMARY_COLUMNS,
} from './statements.ts';
import { cancelSetSql, retrySetSql } from './command-sql.ts';

const FLOW_COLUMNS = [
  'owner',
  'id',
  'name',
  'status',
  'on_failure',
  'open',
  'tasks',
  'submitted_at',
  'updated_at',
  'callback_url',
  'idempotency_key',
  'fingerprint',
  'request_id',
  'created_by_key',
] as const satisfies (keyof Flow)[];

const INSERT = nameStatement(
  'flows.insert',
  `INSERT INTO flows (${FLOW_COLUMNS.join(', ')})
SELECT ${FLOW_COLUMNS.map((column) => `?1 ->> '${column}'`).join(', ')}
WHERE true
ON CONFLICT DO NOTHING
RETURNING id`,
);

// ?1 owner, ?2 flow, ?3 a list of pairs: which comes before which.
const INSERT_EDGES = nameStatement(
  'flows.insert_edges',
  `INSERT INTO flow_edges (owner, before, follower)
${jsonRows('given', '?3')}
SELECT ?1, value ->> 0, value ->> 1
FROM given
WHERE EXISTS (SELECT 1 FROM flows WHERE owner = ?1 AND id = ?2 AND deleted_at IS NULL)
ON CONFLICT DO NOTHING`,
);

// Before its tasks are cancelled, so that the last of them finds it.
const MARK_CANCELLED = nameStatement(
  'flows.mark_cancelled',
  `UPDATE flows
SET cancelled_at = ?3
WHERE owner = ?1 AND id = ?2 AND completed_at IS NULL AND deleted_at IS NULL`,
);
const CANCEL_TASKS = nameStatement(
  'flows.cancel',
  `UPDATE tasks
SET ${cancelSetSql('?3')},
  version = version + 1,
  updated_at = ?3
WHERE (owner, id) IN (
    SELECT owner, id
    FROM tasks INDEXED BY tasks_by_flow
    WHERE owner = ?1 AND flow_id = ?2 AND completed_at IS NULL
  )
  AND EXISTS (SELECT 1 FROM flows WHERE owner = ?1 AND id = ?2 AND cancelled_at IS NOT NULL)
  AND ${guardSql('cancel')}
RETURNING ${selectHead('1')}`,
);

// ?1 owner, ?2 flow, ?3 now, ?4 what goes back, ?5 the version of the flow. All or none: the flow is as it
// was read, or another writer was faster.
const RETRY = nameStatement(
  'flows.retry',
  `${jsonRows('r', '?4')}
UPDATE tasks
SET ${retrySetSql('?3', 'r.value ->> 1')},
  blocked_by = r.value ->> 1,
  params = CASE WHEN r.value ->> 2 THEN coalesce(template, params) ELSE params END,
  version = version + 1,
  updated_at = ?3
FROM r
WHERE tasks.owner = ?1
  AND tasks.id = r.value ->> 0
  AND tasks.flow_id = ?2
  AND ${guardSql('retry')}
  AND EXISTS (
    SELECT 1 FROM flows WHERE owner = ?1 AND id = ?2 AND version = ?5 AND deleted_at IS NULL
  )
RETURNING ${SUMMARY_COLUMNS.map((column) => `tasks.${column}`).join(', ')}`,
);

// In the same transaction: what waits for tasks that went back, whether it went back itself or not.
const RECOUNT = nameStatement(
  'flows.recount',
  `WITH open(id, n) AS MATERIALIZED (
  SELECT flow_edges.follower, count(*)
  FROM tasks INDEXED BY tasks_by_flow
  CROSS JOIN flow_edges ON flow_edges.owner = tasks.owner AND flow_edges.before = tasks.id
  WHERE tasks.owner = ?1 AND tasks.flow_id = ?2 AND tasks.completed_at IS NULL
  GROUP BY flow_edges.follower
),
made(node, n) AS MATERIALIZED (
  SELECT node, count(*)
  FROM tasks INDEXED BY tasks_by_flow
  WHERE owner = ?1 AND flow_id = ?2 AND item IS NOT NULL AND completed_at IS NULL
  GROUP BY node
),
counted(id, n) AS MATERIALIZED (
  SELECT
    tasks.id,
    CASE
      WHEN items IS NULL THEN coalesce((SELECT n FROM open WHERE open.id = tasks.id), 0)
      ELSE coalesce((SELECT n FROM made WHERE made.node = tasks.node), 0)
    END
  FROM tasks INDEXED BY tasks_by_flow
  WHERE owner = ?1
    AND flow_id = ?2
    AND item IS NULL
    AND completed_at IS NULL
    AND blocked_by >= ${BLOCKED_BY.ready}
)
UPDATE tasks
SET blocked_by = counted.n,
  version = version + (blocked_by <> counted.n),
  wake_at = CASE WHEN held = 'flow' AND counted.n = 0 THEN coalesce(wake_at, ?3) END
FROM counted
WHERE tasks.owner = ?1
  AND tasks.id = counted.id
  AND (blocked_by <> counted.n OR (held = 'flow' AND (wake_at IS NULL) = (counted.n = 0)))`,
);

/** Flows: each is written with its tasks, in one transaction. */
export const createFlowStore = (db: D1Database) => ({
  ...createFlowReads(db),
  ...createFlowDeletions(db),

  /**
   * Stores a flow, its tasks and what each waits for. Repeating it is safe. Returns what holds each task
   * that is new, by id: none when the flow is there already, or its idempotency key.
   */
  async insert(
    flow: Flow,
    tasks: readonly Task[],
    edges: readonly Pick<FlowEdge, 'before' | 'follower'>[],
  ): Promise<Map<string, HeldReason | null>> {
    const groups = chunk(tasks.map(encodeFlowTask), {
      most: MAX_INSERT,
      maxSize: MAX_GROUP_CHARS,
      sizeOf: (row) => row.length,
    });
    const pairs = edges.map(({ before, follower }) => [before, follower]);
    const results = await db.batch<{ id: string; held: HeldReason | null }>([
      db.prepare(INSERT).bind(JSON.stringify(flow)),
      ...groups.map((rows) => db.prepare(INSERT_FLOW_TASKS).bind(`[${rows.join(',')}]`)),
      ...(pairs.length > 0
        ? [db.prepare(INSERT_EDGES).bind(flow.owner, flow.id, JSON.stringify(pairs))]
        : []),
    ]);
    const rows = results.slice(1, 1 + groups.length).flatMap((result) => result.results);
    return new Map(rows.map(({ id, held }) => [id, held]));
  },

  /** Cancels whatever of a flow has not ended; none when it has ended. */
  async cancel({ owner, id }: FlowKey, now: number): Promise<TaskSummaryRow[]> {
    const [, cancelled] = await db.batch<TaskSummaryRow>([
      db.prepare(MARK_CANCELLED).bind(owner, id, now),
      db.prepare(CANCEL_TASKS).bind(owner, id, now),
    ]);
    return cancelled?.results ?? [];
  },

  /** Puts tasks back as planned; none when the flow has changed since it was read. */
  async retry(
    { owner, id, version }: Flow,
    planned: readonly PlannedRetry[],
    now: number,
  ): Promise<TaskSummaryRow[]> {
    const rows = JSON.stringify(
      planned.map((each) => [each.id, each.blockedBy, each.isRefilled ? 1 : 0]),
    );
    const [back] = await db.batch<TaskSummaryRow>([
      db.prepare(RETRY).bind(owner, id, now, rows, version),
      db.prepare(RECOUNT).bind(owner, id, now),
    ]);
    return back?.results ?? [];
  },
});

export type FlowStore = ReturnType<typeof createFlowStore>;
