import { describeError } from '../../../domain/errors.ts';
import type { Task } from '../../../domain/task.ts';
import { withTimeout } from '../../../domain/timeout.ts';
import { isFinal } from '../../../domain/words.ts';
import type { AppContext } from '../../context.ts';
import { orUnavailable } from '../../read-task.ts';

/** An answer is held back this long at most. */
const MAX_WAIT_SECONDS = 25;

const WAIT = /(?:^|[,;])\s*wait\s*=\s*"?(\d+)"?\s*(?:$|[,;])/i;

/**
 * Seconds of a `Prefer: wait=N` (RFC 7240), `MAX_WAIT_SECONDS` at most; null without one that can
 * be understood.
 */
const parsePreferredWait = (c: AppContext): number | null => {
  const found = WAIT.exec(c.req.header('Prefer') ?? '');
  return found ? Math.min(Number(found[1]), MAX_WAIT_SECONDS) : null;
};

/** Whether the caller wants to know how the task ends. */
export const isWaitPreferred = (c: AppContext): boolean => (parsePreferredWait(c) ?? 0) > 0;

/**
 * Resolves when the task's stream closes, which it does after the final frame, or after `ms`.
 */
const watchToEnd = async (c: AppContext, id: string, ms: number): Promise<void> => {
  const request = new Request('https://board.internal/', { headers: { Upgrade: 'websocket' } });
  const { boards } = c.get('services');
  const { webSocket: socket } = await boards.openStream(c.get('identity'), id, request);
  // No socket: it has ended meanwhile, or is gone.
  if (!socket) return;
  let timer: ReturnType<typeof setTimeout> | undefined;
  await new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
    socket.addEventListener('close', () => resolve());
    socket.accept();
  });
  clearTimeout(timer);
  socket.close(1000);
};

/**
 * The task as it is once it is final, or after the seconds that the caller prefers to wait;
 * `waited` false: none were asked for.
 * @param ending the row after the direct run of its submit
 */
export const waitForCompletion = async (
  c: AppContext,
  task: Task,
  ending?: Promise<Task | null>,
): Promise<{ task: Task; waited: boolean }> => {
  const seconds = parsePreferredWait(c);
  if (seconds === null) return { task, waited: false };
  c.header('Preference-Applied', `wait=${seconds}`);
  if (isFinal(task.status) || seconds === 0) return { task, waited: true };
  const { now } = c.get('services');
  const until = now() + seconds * 1_000;
  const ended = ending && (await withTimeout(seconds * 1_000, ending).catch(() => null));
  if (ended && isFinal(ended.status)) return { task: ended, waited: true };
  if (now() < until) await orUnavailable(c, () => watchToEnd(c, task.id, until - now()));
  const { store } = c.get('services');
  const present = await orUnavailable(c, () => store.get(task.owner, task.id));
  return { task: present ?? task, waited: true };
};

/**
 * The same of a task that was just stored. It is accepted whatever becomes of the wait: a refusal would
 * have it sent again.
 */
export const waitForSubmitted: typeof waitForCompletion = (c, task, ending) =>
  waitForCompletion(c, task, ending).catch((error: unknown) => {
    c.get('log').warn('wait_failed', { task_id: task.id, error: describeError(error) });
    return { task, waited: true };
  });
