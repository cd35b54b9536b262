import { summarize, type Frame } from '../domain/frames.ts';
import type { Task, TaskKey, TaskSummaryRow } from '../domain/task.ts';
import { toSummary, toTaskView, type TaskView } from '../domain/view.ts';
import { isFinal } from '../domain/words.ts';
import type { Joining } from './joining.ts';
import type { ProgressMemory } from './progress-memory.ts';
import { keepSubscriber, send, sendChanges } from './subscriber.ts';

/** Tasks in the snapshot of the list, the newest ones. */
export const SNAPSHOT_TASKS = 50;

export interface SnapshotDeps {
  getMany(keys: TaskKey[]): Promise<Task[]>;
  /** Without their long parts. */
  findNewest(owner: string, limit: number): Promise<TaskSummaryRow[]>;
}

/**
 * Sends the first frame of a stream. What was published since the socket was accepted follows it,
 * so that nothing falls in between.
 */
export const createSnapshots = (
  { getMany, findNewest }: SnapshotDeps,
  owner: string,
  joining: Joining,
  { apply, readRun }: Pick<ProgressMemory, 'apply'> & { readRun(id: string): Frame[] },
) => ({
  /** Null when there is no such task. A finished one closes the socket: nothing would follow. */
  async sendTask(socket: WebSocket, id: string, until: number | null): Promise<TaskView | null> {
    const [row] = await getMany([{ owner, id }]);
    const missed = joining.end(socket).get(id);
    if (!row) {
      socket.close(1000, 'unknown task');
      return null;
    }
    const isNewer = missed && 'params' in missed && missed.version > row.version;
    const task = apply(isNewer ? missed : toTaskView(row));
    if (isFinal(task.status)) {
      socket.close(1000, 'final');
      return task;
    }
    keepSubscriber(socket, { stream: 'task', id, version: task.version, until });
    send(socket, { event: 'snapshot', task });
    if (task.status === 'IN_PROGRESS') for (const frame of readRun(id)) send(socket, frame);
    return task;
  },

  async sendList(socket: WebSocket, until: number | null): Promise<void> {
    const tasks = (await findNewest(owner, SNAPSHOT_TASKS)).map(toSummary).map(apply);
    const missed = [...joining.end(socket).values()].map(summarize);
    keepSubscriber(socket, { stream: 'list', seq: 0, acknowledged: 0, until });
    send(socket, { event: 'snapshot', tasks });
    if (missed.length > 0) sendChanges(socket, missed);
  },
});
