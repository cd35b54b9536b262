import type { Flow, FlowEdge } from '../domain/flow.ts';
import type { TaskSummaryRow } from '../domain/task.ts';
import type { FlowStatus } from '../domain/words.ts';
import { selectHead } from './bodies.ts';
import { createBinder } from './filter-sql.ts';
import { nameStatement } from './statements.ts';

const IS_THERE = 'deleted_at IS NULL';
const GET = nameStatement(
  'flows.get',
  `SELECT * FROM flows WHERE owner = ?1 AND id = ?2 AND ${IS_THERE}`,
);
const FIND_BY_KEY = nameStatement(
  'flows.find_by_key',
  `SELECT * FROM flows WHERE owner = ?1 AND idempotency_key = ?2 AND ${IS_THERE}`,
);
const READ_NODES = nameStatement(
  'flows.read_nodes',
  `SELECT ${selectHead('1')}
FROM tasks INDEXED BY tasks_by_flow
WHERE owner = ?1 AND flow_id = ?2 AND item IS NULL
ORDER BY id`,
);
const READ_ITEMS = nameStatement(
  'flows.read_items',
  `SELECT id, node, item, status, blocked_by
FROM tasks INDEXED BY tasks_by_flow
WHERE owner = ?1 AND flow_id = ?2 AND item IS NOT NULL
ORDER BY node, item`,
);
const READ_EDGES = nameStatement(
  'flows.read_edges',
  `SELECT flow_edges.*
FROM tasks INDEXED BY tasks_by_flow
CROSS JOIN flow_edges ON flow_edges.owner = tasks.owner AND flow_edges.before = tasks.id
WHERE tasks.owner = ?1 AND tasks.flow_id = ?2 AND tasks.item IS NULL`,
);
const GET_MANY = nameStatement(
  'flows.get_many',
  `SELECT *
FROM flows
WHERE (owner, id) IN (SELECT value ->> 'owner', value ->> 'id' FROM json_each(?1))
  AND ${IS_THERE}`,
);

const FIND_FLOWS_OF = nameStatement(
  'flows.find_flows_of',
  `SELECT tasks.id, tasks.flow_id
FROM json_each(?2) AS k
CROSS JOIN tasks ON tasks.owner = ?1 AND tasks.id = k.value
WHERE tasks.flow_id IS NOT NULL`,
);

/** A task that a list node made. */
type FlowItem = Pick<TaskSummaryRow, 'id' | 'status' | 'blocked_by'> & {
  node: string;
  item: number;
};

export interface FlowListOptions {
  limit: number;
  /** The id after which the page begins. */
  before?: string;
  status?: FlowStatus;
  name?: string;
}

/** A flow and all that it is made of. */
export interface FlowRows {
  flow: Flow;
  nodes: TaskSummaryRow[];
  items: FlowItem[];
  edges: FlowEdge[];
}

export const createFlowReads = (db: D1Database) => ({
  get: (owner: string, id: string): Promise<Flow | null> =>
    db.prepare(GET).bind(owner, id).first<Flow>(),

  /** Several flows, in no order; those that are gone are left out. */
  async getMany(keys: readonly Pick<Flow, 'owner' | 'id'>[]): Promise<Flow[]> {
    const bound = JSON.stringify(keys.map(({ owner, id }) => ({ owner, id })));
    return (await db.prepare(GET_MANY).bind(bound).all<Flow>()).results;
  },

  /** Of these tasks, those of flows. */
  async findFlowsOf(
    owner: string,
    ids: readonly string[],
  ): Promise<{ id: string; flow_id: string }[]> {
    const statement = db.prepare(FIND_FLOWS_OF).bind(owner, JSON.stringify(ids));
    return (await statement.all<{ id: string; flow_id: string }>()).results;
  },

  findByKey: (owner: string, key: string): Promise<Flow | null> =>
    db.prepare(FIND_BY_KEY).bind(owner, key).first<Flow>(),

  /** A flow with its nodes, in the order of the submit, as they are at one moment. */
  async read(owner: string, id: string): Promise<FlowRows | null> {
    const [flow, nodes, items, edges] = await db.batch(
      [GET, READ_NODES, READ_ITEMS, READ_EDGES].map((sql) => db.prepare(sql).bind(owner, id)),
    );
    const found = flow?.results[0] as Flow | undefined;
    if (!found) return null;
    return {
      flow: found,
      nodes: nodes?.results as TaskSummaryRow[],
      items: items?.results as FlowItem[],
      edges: edges?.results as FlowEdge[],
    };
  },

  /** Newest first. */
  async list(owner: string, { limit, before, status, name }: FlowListOptions): Promise<Flow[]> {
    const { bind, values } = createBinder();
    const conditions = [
      `owner = ${bind(owner)}`,
      IS_THERE,
      ...(before === undefined ? [] : [`id < ${bind(before)}`]),
      ...(status === undefined ? [] : [`status = ${bind(status)}`]),
      ...(name === undefined ? [] : [`name = ${bind(name)}`]),
    ];
    const sql = nameStatement(
      'flows.list',
      `SELECT * FROM flows WHERE ${conditions.join(' AND ')} ORDER BY id DESC LIMIT ${bind(limit)}`,
    );
    const statement = db.prepare(sql).bind(...values);
    return (await statement.all<Flow>()).results;
  },
});
