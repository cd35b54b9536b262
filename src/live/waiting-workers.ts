import { createCoalescer } from '../domain/coalescer.ts';
import type { CommittedTask } from '../domain/task.ts';
import { REPLACED } from '../domain/close-codes.ts';
import { keepSubscriber, readSubscriber } from './subscriber.ts';
import { toTypeTag, WORKERS } from './tags.ts';

/**
 * A worker who hung up is not noticed: what nobody has taken after this long is told to the next
 * one.
 */
const TAKEN_WITHIN_MS = 1_000;

type Row = Pick<CommittedTask, 'id' | 'type' | 'status' | 'held' | 'queue'>;

/**
 * Workers that wait for tasks, one socket each. One is woken for each task; what it gets is a hint,
 * for the claim decides.
 */
export const createWaitingWorkers = (getSockets: (tag: string) => WebSocket[]) => {
  /** Tasks that a worker was woken for, by id, until they are taken. */
  const untaken = new Map<string, string>();

  const listOpen = (): WebSocket[] =>
    getSockets(WORKERS).filter(({ readyState }) => readyState === WebSocket.OPEN);

  /** Wakes one who waits for this type; false when nobody does. */
  const wakeOne = (type: string): boolean => {
    const socket = listOpen().find((each) => {
      const subscriber = readSubscriber(each);
      return subscriber?.stream === 'work' && subscriber.types.includes(type);
    });
    socket?.close(1000, 'work');
    return socket !== undefined;
  };

  const retries = createCoalescer(() => {
    for (const [id, type] of untaken) if (!wakeOne(type)) untaken.delete(id);
    if (untaken.size > 0) retries.request(TAKEN_WITHIN_MS);
  });

  /** Whatever a worker waits for ends without a task. */
  const dismiss = (name: string, code: number): void => {
    for (const socket of listOpen()) {
      const subscriber = readSubscriber(socket);
      if (subscriber?.stream === 'work' && subscriber.worker === name)
        socket.close(code, 'dismissed');
    }
  };

  return {
    dismiss,

    /** A worker waits; what it waited for before was cut off. */
    join(socket: WebSocket, query: URLSearchParams, until: number | null): void {
      const [types, worker] = [query.getAll('type'), query.get('worker') ?? ''];
      dismiss(worker, REPLACED);
      keepSubscriber(socket, { stream: WORKERS, worker, types, until });
    },

    /** The tags of types that somebody waits for. */
    listTypes(): string[] {
      const types = listOpen().flatMap((socket) => {
        const subscriber = readSubscriber(socket);
        return subscriber?.stream === 'work' ? subscriber.types : [];
      });
      return [...new Set(types)].map(toTypeTag);
    },

    /** All who wait for a type look again. */
    wakeAll(type: string): void {
      while (wakeOne(type));
    },

    /** What was committed: what waits for a worker wakes one, what was taken is done with. */
    tell(rows: readonly Row[]): void {
      for (const { id, type, status, held } of rows) {
        if (status === 'PENDING' && held === 'worker') {
          if (wakeOne(type)) untaken.set(id, type);
        } else untaken.delete(id);
      }
      if (untaken.size > 0) retries.request(TAKEN_WITHIN_MS);
    },
  };
};
