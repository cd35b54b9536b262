import type { SendJson } from './request.ts';
import type { Priority, TaskLogs, TaskView } from './types.ts';

/** The path of a task; throws for what is no id. */
export const taskPath = (id: string, rest = ''): string => {
  if (!/^[0-9a-f-]{36}$/i.test(id))
    throw new TypeError(`Not the id of a task: ${JSON.stringify(id)}`);
  return `/tasks/${id}${rest}`;
};

/** What reads of a task, and changes one that is there. */
export const createTaskCommands = (json: SendJson) => {
  // Repeating one that already holds is no error, so that a lost answer does no harm.
  const command = (id: string, verb: string, isRepeatable = true): Promise<TaskView> =>
    json(taskPath(id, `/${verb}`), { method: 'POST', isRepeatable });
  return {
    /** What an attempt wrote down; the newest that wrote something unless told. */
    logs: (id: string, { attempt }: { attempt?: number } = {}): Promise<TaskLogs> =>
      json(taskPath(id, attempt === undefined ? '/logs' : `/logs?attempt=${attempt}`)),
    cancel: (id: string): Promise<TaskView> => command(id, 'cancel'),
    pause: (id: string): Promise<TaskView> => command(id, 'pause'),
    resume: (id: string): Promise<TaskView> => command(id, 'resume'),
    /** Runs a failed or cancelled task again. */
    retry: (id: string): Promise<TaskView> => command(id, 'retry', false),
    /** Completes a task of a manual type. */
    complete: (id: string, result?: unknown): Promise<TaskView> =>
      json(taskPath(id, '/complete'), { method: 'POST', json: { result } }),
    /** Fails a task of a manual type. */
    fail: (id: string, message: string): Promise<TaskView> =>
      json(taskPath(id, '/fail'), { method: 'POST', json: { message } }),
    edit: (
      id: string,
      change: { title?: string | null; description?: string | null; priority?: Priority },
    ): Promise<TaskView> =>
      json(taskPath(id), { method: 'PATCH', json: change, isRepeatable: true }),
  };
};
