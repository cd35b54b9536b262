import { createCoalescer } from '../domain/coalescer.ts';
import { toFlowStream } from '../domain/flow-stream.ts';
import type { FlowDetail, FlowNodeView } from '../domain/flow-view.ts';
import { isFinal } from '../domain/words.ts';
import { DELETED } from '../domain/close-codes.ts';
import { keepSubscriber, readSubscriber, send } from './subscriber.ts';

/** A flow is read again at most so often, and a large one less often: as many ms as it has tasks. */
const MIN_PAUSE_MS = 100;
const MAX_PAUSE_MS = 2_000;

export interface FlowFeedDeps {
  /** The sockets with a tag. */
  findSockets(tag: string): WebSocket[];
  readFlow(id: string): Promise<FlowDetail | null>;
}

/** Sends flows to those who watch them: whole at first, then what has changed. */
export const createFlowFeed = ({ findSockets, readFlow }: FlowFeedDeps) => {
  /** The nodes of each flow as they were sent last, by task. */
  const sent = new Map<string, Map<string, string>>();
  const refreshes = new Map<string, ReturnType<typeof createCoalescer>>();
  const pauses = new Map<string, number>();

  const close = (id: string, code: number, reason: string): void => {
    for (const socket of findSockets(toFlowStream(id))) socket.close(code, reason);
    sent.delete(id);
    refreshes.delete(id);
    pauses.delete(id);
  };

  const takeChanged = ({ flow_id, nodes }: FlowDetail): FlowNodeView[] => {
    const before = sent.get(flow_id) ?? new Map<string, string>();
    const now = new Map(nodes.map((node) => [node.task_id, JSON.stringify(node)]));
    sent.set(flow_id, now);
    return nodes.filter(({ task_id }) => before.get(task_id) !== now.get(task_id));
  };

  const sendChanges = (detail: FlowDetail): void => {
    const changed = takeChanged(detail);
    const { nodes: _, ...flow } = detail;
    for (const socket of findSockets(toFlowStream(detail.flow_id))) {
      const subscriber = readSubscriber(socket);
      if (subscriber?.stream !== 'flow' || detail.version < subscriber.version) continue;
      keepSubscriber(socket, { ...subscriber, version: detail.version });
      send(socket, { event: 'update', flow, nodes: changed });
    }
  };

  const refresh = async (id: string): Promise<void> => {
    if (findSockets(toFlowStream(id)).length === 0) return close(id, 1000, 'nobody');
    // Best effort: the next change, or the board's own reading, tries again.
    const detail = await readFlow(id).catch(() => undefined);
    if (detail === undefined) return;
    if (detail === null) return close(id, DELETED, 'deleted');
    pauses.set(id, Math.min(MAX_PAUSE_MS, MIN_PAUSE_MS + detail.tasks.total));
    sendChanges(detail);
    if (isFinal(detail.status)) close(id, 1000, 'final');
  };

  const requestRefresh = (id: string): void => {
    const found = refreshes.get(id) ?? createCoalescer(() => void refresh(id));
    refreshes.set(id, found);
    found.request(pauses.get(id) ?? MIN_PAUSE_MS);
  };

  return {
    close: (id: string): void => close(id, DELETED, 'deleted'),

    /**
     * Sends the snapshot to a socket that begins to watch. Null when there is no such flow. One that has
     * ended closes the socket: nothing would follow.
     */
    async join(socket: WebSocket, id: string, until: number | null): Promise<FlowDetail | null> {
      const detail = await readFlow(id);
      if (!detail || isFinal(detail.status)) {
        socket.close(1000, detail ? 'final' : 'unknown flow');
        return detail;
      }
      keepSubscriber(socket, { stream: 'flow', id, version: detail.version, until });
      send(socket, { event: 'snapshot', flow: detail });
      // What was sent to others meanwhile it has not seen: the next frame has all.
      sent.delete(id);
      requestRefresh(id);
      return detail;
    },

    /** Some of their tasks have changed. */
    note(ids: Iterable<string>): void {
      for (const id of new Set(ids))
        if (findSockets(toFlowStream(id)).length > 0) requestRefresh(id);
    },
  };
};
