import { BLOCKED_BY, isListNode, type FlowEdge } from './flow.ts';
import type { Task } from './task.ts';
import { isFinal, type OnFailure, type Status } from './words.ts';

/** A task that goes back. */
export interface PlannedRetry {
  id: string;
  type: string;
  /** Its `blocked_by`; `ready` stands for what is counted once all of them are back. */
  blockedBy: number | null;
  /** Whether its parameters are filled in anew. */
  isRefilled: boolean;
}

type Node = Pick<
  Task,
  'id' | 'type' | 'node' | 'status' | 'end_reason' | 'blocked_by' | 'items' | 'for_each' | 'item'
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
): PlannedRetry[] => {
  const isWanted = ({ id }: { id: string }): boolean => wanted?.has(id) ?? true;
  const before = Map.groupBy(edges, ({ follower }) => follower);
  const madeBy = Map.groupBy(items, ({ node }) => node);
  const seen = new Map<string, { status: Status; goesBack: boolean }>();
  const planned: PlannedRetry[] = [];
  for (const node of nodes) {
    const { id, type, blocked_by } = node;
    const upstream = (before.get(id) ?? []).flatMap((edge) => seen.get(edge.before) ?? []);
    const stops = upstream.some(({ status, goesBack }) => isRetryable(status) && !goesBack);
    const chosen = (madeBy.get(node.node ?? '') ?? []).filter(
      (item) => isRetryable(item.status) && (isWanted(item) || isWanted(node)),
    );
    const goesBack = wasStopped(node)
      ? (isWanted(node) || upstream.some((each) => each.goesBack)) && !stops
      : isRetryable(node.status) && (isWanted(node) || chosen.length > 0);
    seen.set(id, { status: node.status, goesBack });
    for (const item of chosen)
      planned.push({ id: item.id, type, blockedBy: item.blocked_by, isRefilled: false });
    if (!goesBack) continue;
    const isExpanded = isListNode(node) && node.items !== null;
    const waits = upstream.some((each) => each.goesBack || !isFinal(each.status));
    const wasReleased = blocked_by === null || blocked_by === BLOCKED_BY.atRun;
    if (isExpanded) planned.push({ id, type, blockedBy: BLOCKED_BY.ready, isRefilled: false });
    else if (stops && flow.on_failure === 'stop')
      planned.push({ id, type, blockedBy: BLOCKED_BY.upstreamFailed, isRefilled: false });
    else if (waits || !wasReleased)
      planned.push({ id, type, blockedBy: BLOCKED_BY.ready, isRefilled: wasReleased });
    else planned.push({ id, type, blockedBy: blocked_by, isRefilled: false });
  }
  return planned;
};
