import { keepNewest } from '../domain/frames.ts';
import type { TaskSummary, TaskView } from '../domain/view.ts';

export type Update = TaskView | TaskSummary;

/**
 * Sockets whose snapshot is not sent yet, and the newest updates that came meanwhile: nothing falls
 * in between.
 */
export const createJoining = () => {
  const missed = new Map<WebSocket, Map<string, Update>>();
  return {
    start: (socket: WebSocket): void => void missed.set(socket, new Map()),
    has: (socket: WebSocket): boolean => missed.has(socket),
    /** Holds the updates back for a socket that is joining; false for any other socket. */
    hold(socket: WebSocket, updates: readonly Update[]): boolean {
      const held = missed.get(socket);
      if (!held) return false;
      for (const update of updates) keepNewest(held, update);
      return true;
    },
    /**
     * Ends the joining and returns what was held back: what comes from now on goes to the socket
     * itself.
     */
    end(socket: WebSocket): Map<string, Update> {
      const held = missed.get(socket) ?? new Map<string, Update>();
      missed.delete(socket);
      return held;
    },
  };
};

export type Joining = ReturnType<typeof createJoining>;
