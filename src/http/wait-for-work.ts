import { DISMISSED, REPLACED, REVOKED } from '../domain/close-codes.ts';
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

const ENDS: Record<number, 'dismissed' | 'replaced'> = {
  [DISMISSED]: 'dismissed',
  [REPLACED]: 'replaced',
  [REVOKED]: 'dismissed',
};
const REPLACED_MS = 1_000;

/** What came of waiting: tasks that were there before; a hint; or that the worker stops. */
type Waited = Task[] | 'hinted' | 'dismissed' | 'replaced';

/** Waits until there may be a task of these types, `ms` at most. */
const waitForHint = async (
  c: AppContext,
  { worker, types }: WorkWish,
  ms: number,
  look: () => Promise<Task[]>,
): Promise<Waited> => {
  const { boards, wait } = c.get('services');
  const { webSocket: socket } = await boards.openForWorker(c.get('identity'), worker, types);
  // No socket: this key has very many already.
  if (!socket) {
    await wait(Math.min(ms, 1_000));
    return 'hinted';
  }
  let timer: ReturnType<typeof setTimeout> | undefined;
  const hinted = new Promise<Waited>((resolve) => {
    timer = setTimeout(() => resolve('hinted'), ms);
    socket.addEventListener('close', ({ code }) => resolve(ENDS[code] ?? 'hinted'));
    socket.accept();
  });
  // What came before the socket was open has told nobody.
  const missed = await look();
  const waited = missed.length > 0 ? missed : await hinted;
  clearTimeout(timer);
  socket.close(1000);
  return waited;
};

/** What a worker asks for. */
export interface WorkWish {
  worker: string;
  types: string[];
  max: number;
  wait_seconds: number;
}

/**
 * Tasks for a worker, at once or as soon as there is one, within the time that it waits. A wake-up
 * is a hint: the claim decides.
 */
export const waitForWork = async (c: AppContext, wish: WorkWish): Promise<Task[]> => {
  const { work, boards, dispatcher, wait, now } = c.get('services');
  const { worker, types, max, wait_seconds: seconds } = wish;
  const owner = c.get('owner');
  // Who names no type takes no more: what it may still wait for must not be given to it.
  if (types.length === 0) {
    await boards.dismissWorker(owner, worker);
    return [];
  }
  noteWorker(c, worker, types);
  if (max === 0) return [];
  // Types take turns to be the first: none starves behind another.
  const from = Math.floor(now()) % types.length;
  const inTurn = [...types.slice(from), ...types.slice(0, from)];
  const look = (): Promise<Task[]> => orUnavailable(c, () => work.lease(owner, inTurn, max));
  const until = now() + seconds * 1_000;
  let tasks = await look();
  while (tasks.length === 0 && now() < until) {
    const waited = await waitForHint(c, wish, until - now(), look);
    // Two workers of one name must not chase each other.
    if (waited === 'replaced') await wait(REPLACED_MS);
    if (waited === 'dismissed' || waited === 'replaced') return [];
    tasks = waited === 'hinted' ? await look() : waited;
    // Whoever waited may have gone: then the clock should not take a minute to find out.
    const endsAt = Math.min(...tasks.map(({ wake_at }) => wake_at ?? Infinity));
    if (tasks.length > 0) c.executionCtx.waitUntil(dispatcher.ensureAlarmBy(endsAt));
  }
  return tasks;
};
