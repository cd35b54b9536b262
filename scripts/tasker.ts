import { createTasker, TaskerError, type Tasker, type TaskView } from '../src/client/index.ts';
import { isFinal } from '../src/domain/words.ts';

/** The client that never repeats a request: who breaks the service must see what breaks. */
export const connect = (baseUrl: string): Tasker => createTasker({ baseUrl, retries: 0 });

/** Whether the service refused a request or gave no whole answer, as it may while it is broken. */
export const isUnanswered = (error: unknown): boolean =>
  error instanceof TaskerError || error instanceof TypeError || error instanceof SyntaxError;

/** All tasks, by id. */
export const listAll = async (tasker: Tasker): Promise<Map<string, TaskView>> => {
  const found = new Map<string, TaskView>();
  for await (const task of tasker.list()) found.set(task.task_id, task);
  return found;
};

export const sleep = (ms: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, Math.max(0, ms)));

/** Calls `read` until it returns something; throws after `seconds`. */
export const until = async <T>(seconds: number, read: () => Promise<T | null>): Promise<T> => {
  const deadline = Date.now() + seconds * 1_000;
  for (;;) {
    const answer = await read().catch(() => null);
    if (answer !== null) return answer;
    if (Date.now() > deadline) throw new Error(`Not within ${seconds} s`);
    await sleep(500);
  }
};

/** Waits until one task is final; returns it. */
export const untilFinal = (tasker: Tasker, id: string, seconds: number) =>
  until(seconds, async () => {
    const task = await tasker.get(id);
    return isFinal(task.status) ? task : null;
  });

/** Waits until all tasks are final; returns them by id. */
export const untilAllFinal = (tasker: Tasker, seconds: number) =>
  until(seconds, async () => {
    const tasks = await listAll(tasker);
    return [...tasks.values()].every(({ status }) => isFinal(status)) ? tasks : null;
  });
