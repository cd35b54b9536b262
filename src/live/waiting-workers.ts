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

interface Waiting {
  socket: WebSocket;
  worker: string;
  types: string[];
}

type Row = Pick<CommittedTask, 'id' | 'type' | 'status' | 'held' | 'queue'>;

/**
 * Workers that wait for tasks, one socket each. One is woken for each task; what it gets is a hint,
 * for the claim decides.
 */
export const createWaitingWorkers = (getSockets: (tag: string) => WebSocket[]) => {
  /** Tasks that a worker was woken for, by id, until they are taken. */
  const untaken = new Map<string, string>();

  /** Those who wait, as they came. Sockets that are closing are listed still. */
  const listWaiting = (): Waiting[] =>
    getSockets(WORKERS).flatMap((socket) => {
      const subscriber = readSubscriber(socket);
      const isOpen = socket.readyState === WebSocket.OPEN;
      return isOpen && subscriber?.stream === 'work' ? [{ socket, ...subscriber }] : [];
    });

  /** Wakes one of these who waits for this type, and takes it from the list; false: nobody does. */
  const wakeOne = (waiting: Waiting[], type: string): boolean => {
    const at = waiting.findIndex(({ types }) => types.includes(type));
    waiting.splice(at, at < 0 ? 0 : 1)[0]?.socket.close(1000, 'work');
    return at >= 0;
  };

  const retries = createCoalescer(() => {
    const waiting = listWaiting();
    for (const [id, type] of untaken) if (!wakeOne(waiting, type)) untaken.delete(id);
    if (untaken.size > 0) retries.request(TAKEN_WITHIN_MS);
  });

  /** Whatever a worker waits for ends without a task. */
  const dismiss = (name: string, code: number): void => {
    for (const { socket, worker } of listWaiting())
      if (worker === name) socket.close(code, 'dismissed');
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
    listTypes: (): string[] =>
      [...new Set(listWaiting().flatMap(({ types }) => types))].map(toTypeTag),

    /** All who wait for a type look again. */
    wakeAll(type: string): void {
      const waiting = listWaiting();
      while (wakeOne(waiting, type));
    },

    /** What was committed: what waits for a worker wakes one, what was taken is done with. */
    tell(rows: readonly Row[]): void {
      let waiting: Waiting[] | undefined;
      for (const { id, type, status, held } of rows) {
        if (status !== 'PENDING' || held !== 'worker') untaken.delete(id);
        else if (wakeOne((waiting ??= listWaiting()), type)) untaken.set(id, type);
      }
      if (untaken.size > 0) retries.request(TAKEN_WITHIN_MS);
    },
  };
};
