import { BLOCKED_BY, isListNode, type FlowEdge } from './flow.ts';
import type { Task } from './task.ts';
import { isFinal, type OnFailure, type Status } from './words.ts';

/** A task that goes back. */
export interface PlannedRetry {
  id: string;
  /** Its `blocked_by` from then on. */
  blockedBy: number | null;
  /** Whether its parameters are filled in anew. */
  isRefilled: boolean;
}

/** What a retry of a flow puts back: nodes first, then tasks that list nodes made. */
export interface RetryPlan {
  nodes: PlannedRetry[];
  items: PlannedRetry[];
}

type Node = Pick<
  Task,
  'id' | 'node' | 'status' | 'end_reason' | 'blocked_by' | 'items' | 'for_each' | 'item'
>;
type Item = Pick<Task, 'id' | 'status' | 'blocked_by'> & { node: string };

/** A flow as it is read: its nodes each after those that it waits for. */
interface FlowState {
  flow: { on_failure: OnFailure };
  nodes: readonly Node[];
  items: readonly Item[];
  edges: readonly FlowEdge[];
}

const isRetryable = (status: Status): boolean => status === 'FAILED' || status === 'CANCELLED';
const wasStopped = ({ status, end_reason }: Node): boolean =>
  status === 'CANCELLED' && end_reason === 'upstream_failed';

/**
 * Which tasks go back when some are retried: those, and what was cancelled because of them unless
 * something else that it waits for failed and is not retried. What has completed stays.
 * @param wanted ids of tasks; null: all that failed or were cancelled
 */
export const planRetry = (
  { flow, nodes, items, edges }: FlowState,
  wanted: ReadonlySet<string> | null,
): RetryPlan => {
  const isWanted = ({ id }: { id: string }): boolean => wanted?.has(id) ?? true;
  const before = Map.groupBy(edges, ({ follower }) => follower);
  const madeBy = Map.groupBy(items, ({ node }) => node);
  const seen = new Map<string, { status: Status; goesBack: boolean }>();
  const plan: RetryPlan = { nodes: [], items: [] };
  for (const node of nodes) {
    const upstream = (before.get(node.id) ?? []).flatMap(({ before: id }) => seen.get(id) ?? []);
    const stops = upstream.some(({ status, goesBack }) => isRetryable(status) && !goesBack);
    const made = (madeBy.get(node.node ?? '') ?? []).filter(({ status }) => isRetryable(status));
    const chosen = made.filter((item) => isWanted(item) || isWanted(node));
    const goesBack = wasStopped(node)
      ? (isWanted(node) || upstream.some((each) => each.goesBack)) && !stops
      : isRetryable(node.status) && (isWanted(node) || chosen.length > 0);
    seen.set(node.id, { status: node.status, goesBack });
    for (const { id, blocked_by } of chosen)
      plan.items.push({ id, blockedBy: blocked_by, isRefilled: false });
    if (!goesBack) continue;
    const waitsFor = upstream.filter((each) => each.goesBack || !isFinal(each.status)).length;
    const { id } = node;
    if (isListNode(node) && node.items !== null) {
      // Its tasks that go back are counted as they do.
      const running = (madeBy.get(node.node ?? '') ?? []).filter(({ status }) => !isFinal(status));
      plan.nodes.push({ id, blockedBy: running.length, isRefilled: false });
    } else if (stops && flow.on_failure === 'stop')
      plan.nodes.push({ id, blockedBy: BLOCKED_BY.upstreamFailed, isRefilled: false });
    else if (waitsFor > 0) plan.nodes.push({ id, blockedBy: waitsFor, isRefilled: true });
    else {
      const wasReleased = node.blocked_by === null || node.blocked_by === BLOCKED_BY.atRun;
      const blockedBy = wasReleased ? node.blocked_by : BLOCKED_BY.ready;
      plan.nodes.push({ id, blockedBy, isRefilled: false });
    }
  }
  return plan;
};
