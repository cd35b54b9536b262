import type { Task } from '../domain/task.ts';
import type { AppContext } from './context.ts';
import { orUnavailable } from './read-task.ts';

/** A worker is noted this often, for people to see. */
const NOTE_EVERY_MS = 30_000;
const MAX_NOTED = 10_000;
const notedAt = new Map<string, number>();

/** Notes that a worker is there; best effort. */
const noteWorker = (c: AppContext, name: string, types: string[]): void => {
  const { boards, now } = c.get('services');
  const owner = c.get('owner');
  const key = `${owner}\n${name}`;
  if ((notedAt.get(key) ?? -Infinity) > now() - NOTE_EVERY_MS) return;
  if (notedAt.size >= MAX_NOTED) notedAt.clear();
  notedAt.set(key, now());
  c.executionCtx.waitUntil(boards.noteWorker(owner, name, types).catch(() => {}));
};

/** Resolves when there may be a task of these types, or after `ms`. */
const waitForHint = async (
  c: AppContext,
  types: readonly string[],
  ms: number,
  look: () => Promise<Task[]>,
): Promise<Task[]> => {
  const { boards, wait } = c.get('services');
  const { webSocket: socket } = await boards.openForWorker(c.get('identity'), types);
  // No socket: this key has very many already.
  if (!socket) {
    await wait(Math.min(ms, 1_000));
    return [];
  }
  let timer: ReturnType<typeof setTimeout> | undefined;
  const hinted = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
    socket.addEventListener('close', () => resolve());
    socket.accept();
  });
  // What came before the socket was open has told nobody.
  const missed = await look();
  if (missed.length === 0) await hinted;
  clearTimeout(timer);
  socket.close(1000);
  return missed;
};

/**
 * Tasks for a worker, at once or as soon as there is one, within `seconds`. A wake-up is a hint: the
 * claim decides.
 */
export const waitForWork = async (
  c: AppContext,
  worker: string,
  types: string[],
  most: number,
  seconds: number,
): Promise<Task[]> => {
  const { work, now } = c.get('services');
  if (types.length === 0) return [];
  noteWorker(c, worker, types);
  if (most === 0) return [];
  const owner = c.get('owner');
  // Types take turns to be the first: none starves behind another.
  const from = Math.floor(now()) % types.length;
  const inTurn = [...types.slice(from), ...types.slice(0, from)];
  const look = (): Promise<Task[]> => orUnavailable(c, () => work.lease(owner, inTurn, most));
  const until = now() + seconds * 1_000;
  for (;;) {
    const tasks = await look();
    if (tasks.length > 0 || now() >= until) return tasks;
    const missed = await waitForHint(c, types, until - now(), look);
    if (missed.length > 0) return missed;
  }
};
