import { toDeliveryView, toSummary, type DeliveryView, type TaskSummary } from './view.ts';
import { BLOCKED_BY, isListNode, type Flow, type FlowEdge } from './flow.ts';
import type { Delivery } from './delivery.ts';
import type { Task, TaskSummaryRow } from './task.ts';
import { isFinal, type FlowStatus, type OnFailure, type Status } from './words.ts';

/** A flow as lists and frames have it: ISO times. */
export interface FlowView {
  flow_id: string;
  name: string | null;
  status: FlowStatus;
  on_failure: OnFailure;
  /** All tasks, what list nodes made included, and those that have ended. */
  tasks: { total: number; ended: number };
  callback_url: string | null;
  submitted_at: string;
  started_at: string | null;
  completed_at: string | null;
  updated_at: string;
  version: number;
}

/** A task that a list node made. */
interface FlowItemView {
  task_id: string;
  item: number;
  status: Status;
}

/** A node as its flow has it. */
export interface FlowNodeView extends Pick<
  TaskSummary,
  | 'task_id'
  | 'type'
  | 'title'
  | 'status'
  | 'queue'
  | 'error'
  | 'end_reason'
  | 'attempt'
  | 'progress'
  | 'started_at'
  | 'completed_at'
  | 'version'
> {
  node: string;
  /** The nodes that it waits for. */
  after: string[];
  /** How many of them have not ended yet. */
  waits_for: number;
  /** The tasks that a list node made, in the order of its list; null for other nodes. */
  items: FlowItemView[] | null;
}

export interface FlowDetail extends FlowView {
  nodes: FlowNodeView[];
}

const iso = (ms: number): string => new Date(ms).toISOString();
const toIsoOrNull = (ms: number | null): string | null => (ms === null ? null : iso(ms));

export const toFlowView = (flow: Flow): FlowView => ({
  flow_id: flow.id,
  name: flow.name,
  status: flow.status,
  on_failure: flow.on_failure,
  tasks: { total: flow.tasks, ended: flow.tasks - flow.open },
  callback_url: flow.callback_url,
  submitted_at: iso(flow.submitted_at),
  started_at: toIsoOrNull(flow.started_at),
  completed_at: toIsoOrNull(flow.completed_at),
  updated_at: iso(flow.updated_at),
  version: flow.version,
});

/** A list node runs while its tasks do. */
const toNodeStatus = (row: TaskSummaryRow): Status =>
  isListNode(row) && row.items !== null && row.status === 'PENDING' ? 'IN_PROGRESS' : row.status;

const countOpen = ({ blocked_by, items, status }: TaskSummaryRow): number =>
  isFinal(status) || items !== null ? 0 : Math.max(BLOCKED_BY.ready, blocked_by ?? 0);

/** A flow with its nodes, in an order in which each comes after those that it waits for. */
export const toFlowDetail = ({
  flow,
  nodes,
  items,
  edges,
}: {
  flow: Flow;
  nodes: readonly TaskSummaryRow[];
  items: readonly (Pick<Task, 'id' | 'status'> & { node: string; item: number })[];
  edges: readonly FlowEdge[];
}): FlowDetail => {
  const names = new Map(nodes.map(({ id, node }) => [id, String(node)]));
  const before = Map.groupBy(edges, ({ follower }) => follower);
  const made = Map.groupBy(items, ({ node }) => node);
  return {
    ...toFlowView(flow),
    nodes: nodes.map((row) => {
      const { task_id, type, title, queue, error, end_reason, attempt, progress, ...rest } =
        toSummary(row);
      return {
        node: String(row.node),
        task_id,
        type,
        title,
        status: toNodeStatus(row),
        after: (before.get(row.id) ?? []).flatMap((edge) => names.get(edge.before) ?? []),
        waits_for: countOpen(row),
        items: isListNode(row)
          ? (made.get(String(row.node)) ?? []).map(({ id, item, status }) => ({
              task_id: id,
              item,
              status,
            }))
          : null,
        queue,
        error,
        end_reason,
        attempt,
        progress,
        started_at: rest.started_at,
        completed_at: rest.completed_at,
        version: rest.version,
      };
    }),
  };
};

/** The names of what a task of a flow waits for: other nodes, or the tasks that it made itself. */
export const findOpenBefore = (
  { nodes, items, edges }: Omit<Parameters<typeof toFlowDetail>[0], 'flow'>,
  { id, node, items: made }: Pick<Task, 'id' | 'node' | 'items'>,
): string[] => {
  if (made !== null)
    return items
      .filter((each) => each.node === node && !isFinal(each.status))
      .map((each) => `${each.node}.${each.item}`);
  const before = new Set(edges.flatMap((edge) => (edge.follower === id ? [edge.before] : [])));
  return nodes
    .filter((each) => before.has(each.id) && !isFinal(each.status))
    .map((each) => String(each.node));
};

/** A flow as `GET /flows/{id}` answers it. */
export const toFlowAnswer = (
  rows: Parameters<typeof toFlowDetail>[0],
  deliveries: readonly Delivery[],
): FlowDetail & { deliveries: DeliveryView[] } => ({
  ...toFlowDetail(rows),
  deliveries: deliveries.map(toDeliveryView),
});
