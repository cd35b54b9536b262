import type { CommitListener } from '../domain/commit-listener.ts';
import { toFlowStream } from '../domain/flow-stream.ts';
import { isWorkerQueue } from '../domain/routing.ts';
import type { CommittedTask } from '../domain/task.ts';
import { toTypeTag } from './tags.ts';

/**
 * Larger than this, params and result stay out of the call; the board reads them for those who
 * watch. UTF-16 units.
 */
const MAX_BODY_CHARS = 16_384;

/** The row as it goes to the board: without its long parts where those are large. */
const trimRow = (task: CommittedTask): CommittedTask => {
  const { params, result, ...summary } = task;
  if (params === undefined || result === undefined) return task;
  return params.length + (result?.length ?? 0) > MAX_BODY_CHARS ? summary : task;
};

/**
 * Live status, per batch and owner: one call that asks what is watched, and one more with those
 * rows as a text. Mostly nothing is watched, and making the text costs more than all else that is
 * published of a task. A client who begins to watch in between reads the row itself.
 */
export const createBoardListener = (boards: {
  listWatched(owner: string): Promise<string[] | null>;
  publish(owner: string, rows: string): Promise<void>;
}): CommitListener => {
  const publishTo = async (owner: string, tasks: readonly CommittedTask[]): Promise<void> => {
    const watched = await boards.listWatched(owner);
    const ids = watched && new Set(watched);
    // A worker is told of what it waits for, and of what was taken meanwhile.
    const isTold = ({ id, type, queue, flow_id }: CommittedTask): boolean =>
      ids === null ||
      ids.has(id) ||
      (flow_id !== null && ids.has(toFlowStream(flow_id))) ||
      (isWorkerQueue(queue) && ids.has(toTypeTag(type)));
    const rows = tasks.filter(isTold);
    if (rows.length > 0) await boards.publish(owner, JSON.stringify(rows.map(trimRow)));
  };
  return {
    name: 'board',
    onCommit: async (tasks) => {
      const byOwner = Map.groupBy(tasks, ({ owner }) => owner);
      await Promise.all([...byOwner].map(([owner, rows]) => publishTo(owner, rows)));
    },
  };
};
