import { chunk } from '../domain/chunk.ts';
import type { Progress, RunReport } from '../domain/frames.ts';
import type { Task } from '../domain/task.ts';
import { toTaskView, type TaskView } from '../domain/view.ts';
import { DELETED } from '../domain/close-codes.ts';
import type { Joining, Update } from './joining.ts';
import { toFrames } from './run-memory.ts';
import { send, sendProgress, sendTask } from './subscriber.ts';

/** Tasks that are read together. */
const MAX_READ = 20;

export interface TaskFeedDeps {
  /** The streams of one task. */
  findSockets(id: string): WebSocket[];
  /** Those of these tasks that there are. */
  getMany(ids: string[]): Promise<Task[]>;
  joining: Joining;
}

/** Sends tasks to the streams that watch them one by one. */
export const createTaskFeed = ({ findSockets, getMany, joining }: TaskFeedDeps) => {
  const sendTo = (sockets: readonly WebSocket[], task: TaskView): void => {
    for (const socket of sockets) if (!joining.hold(socket, [task])) sendTask(socket, task);
  };

  /** Ends the streams of tasks that were deleted: they have no final frame. */
  const close = (ids: readonly string[]): void => {
    for (const socket of ids.flatMap(findSockets)) socket.close(DELETED, 'deleted');
  };

  return {
    close,

    /** Returns the ids of those that are watched but came without their long parts. */
    send(updates: readonly Update[]): string[] {
      const toRead: string[] = [];
      for (const update of updates) {
        const sockets = findSockets(update.task_id);
        if ('params' in update) sendTo(sockets, update);
        else if (sockets.length > 0) toRead.push(update.task_id);
      }
      return toRead;
    },

    /** Sends how far a task has come; tells whether anybody watches it. */
    sendProgress(step: Progress): boolean {
      const sockets = findSockets(step.task_id);
      for (const socket of sockets) if (!joining.has(socket)) sendProgress(socket, step);
      return sockets.length > 0;
    },

    /** Sends what a run says; tells whether anybody watches it. */
    sendReport(report: RunReport): boolean {
      const sockets = findSockets(report.task_id);
      for (const socket of sockets)
        if (!joining.has(socket)) for (const frame of toFrames(report)) send(socket, frame);
      return sockets.length > 0;
    },

    /** Reads tasks, and sends them as they are. */
    async reread(ids: string[]): Promise<void> {
      // Each may have a megabyte: a few are held at a time.
      for (const group of chunk(ids, { most: MAX_READ })) {
        const rows = await getMany(group);
        for (const row of rows) sendTo(findSockets(row.id), toTaskView(row));
        close([...new Set(group).difference(new Set(rows.map(({ id }) => id)))]);
      }
    },
  };
};

export type TaskFeed = ReturnType<typeof createTaskFeed>;
