import type { FlowDetail, FlowNodeView } from '../domain/flow-view.ts';
import type { Frame } from '../domain/frames.ts';
import type { toFlowAnswer } from '../domain/flow-view.ts';
import { isFinal } from '../domain/words.ts';

/** A flow as the service answers with it. */
export type FlowAnswer = ReturnType<typeof toFlowAnswer>;

/** What a node says beside its status. */
export const describeNode = (node: FlowNodeView): string => {
  const { items } = node;
  if (items !== null && items.length > 0) {
    const ended = items.filter(({ status }) => isFinal(status)).length;
    return `${ended} of ${items.length}`;
  }
  if (node.end_reason === 'upstream_failed') return 'something before it failed';
  if (node.waits_for > 0) return `waits for ${node.waits_for}`;
  return node.progress ? `${Math.round(node.progress.fraction * 100)} %` : '';
};

/** What keeps the rest of a flow from running: what failed, and what waits for a person. */
export const findStops = ({ nodes }: FlowDetail): FlowNodeView[] =>
  nodes.filter(
    ({ status, queue, end_reason, waits_for }) =>
      status === 'FAILED' ||
      status === 'PAUSED' ||
      (status === 'CANCELLED' && end_reason !== 'upstream_failed') ||
      (status === 'PENDING' && waits_for === 0 && queue.startsWith('manual-')),
  );

/** A flow with what a frame tells of it. */
export const applyFrame = <Flow extends FlowDetail>(before: Flow, frame: Frame): Flow => {
  if (!('flow' in frame) || frame.flow.version < before.version) return before;
  if (frame.event === 'snapshot') return { ...before, ...frame.flow };
  const changed = new Map(frame.nodes.map((node) => [node.task_id, node]));
  return {
    ...before,
    ...frame.flow,
    nodes: before.nodes.map((node) => changed.get(node.task_id) ?? node),
  };
};
