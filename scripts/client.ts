import type { TaskDetail, TaskView } from '../src/domain/view.ts';

/** A submit or a read that the service did not answer, or answered with an error. */
export class NoAnswer extends Error {}

const FINAL = ['COMPLETED', 'FAILED', 'CANCELLED'];

/** A few calls of the API, for the scripts that try the service from outside. */
export const createClient = (base: string) => {
  const json = async <T>(path: string, init?: RequestInit): Promise<T> => {
    const response = await fetch(`${base}${path}`, init).catch(() => null);
    if (!response) throw new NoAnswer('No answer');
    const body = await response.json().catch(() => null);
    if (!response.ok || body === null) throw new NoAnswer(`${path}: ${response.status}`);
    return body as T;
  };
  const post = <T>(path: string, body?: object): Promise<T> =>
    json<T>(path, {
      method: 'POST',
      ...(body && { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } }),
    });
  return {
    json,
    post,
    submit: (type: string, params: object = {}, more: object = {}): Promise<TaskView> =>
      post('/tasks', { type, params, ...more }),
    get: (id: string): Promise<TaskDetail> => json(`/tasks/${id}`),
    /** All tasks, by id. */
    async all(): Promise<Map<string, TaskView>> {
      const found = new Map<string, TaskView>();
      for (let cursor: string | null = ''; cursor !== null;) {
        const page: { tasks: TaskView[]; pagination: { next_cursor: string | null } } = await json(
          `/tasks?page_size=100${cursor && `&cursor=${cursor}`}`,
        );
        for (const task of page.tasks) found.set(task.task_id, task);
        cursor = page.pagination.next_cursor;
      }
      return found;
    },
  };
};

export type Client = ReturnType<typeof createClient>;

export const isFinal = ({ status }: Pick<TaskView, 'status'>): boolean => FINAL.includes(status);

export const sleep = (ms: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, Math.max(0, ms)));

/** Asks until `done` says so; throws after `seconds`. */
export const until = async <T>(seconds: number, done: () => Promise<T | null>): Promise<T> => {
  const deadline = Date.now() + seconds * 1_000;
  for (;;) {
    const answer = await done().catch(() => null);
    if (answer !== null) return answer;
    if (Date.now() > deadline) throw new Error(`Not within ${seconds} s`);
    await sleep(500);
  }
};
