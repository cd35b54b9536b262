import { AppError, describeError, type ErrorCode } from '../domain/errors.ts';
import { isFinal, type Task } from '../domain/task.ts';
import type { AppContext } from './context.ts';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

export const taskNotFound = (id: string): AppError =>
  new AppError('task_not_found', `There is no task "${id.slice(0, 100)}"`);

/** The id of the path; what cannot be one is as unknown as one that nobody has. */
export const taskId = (c: AppContext): string => {
  const id = c.req.param('id') ?? '';
  if (!UUID.test(id)) throw taskNotFound(id);
  return id.toLowerCase();
};

/** Asks the database, or other storage; one that does not answer is a 503. Refusals of ours pass through. */
export const asking = async <T>(
  c: AppContext,
  read: () => Promise<T>,
  code: ErrorCode & `${string}_unavailable` = 'database_unavailable',
): Promise<T> => {
  try {
    return await read();
  } catch (error) {
    if (error instanceof AppError) throw error;
    c.get('log').error(code, { error: describeError(error) });
    const what = code === 'database_unavailable' ? 'database' : 'file storage';
    throw new AppError(code, `The ${what} did not answer; try again`, {
      retryAfterSeconds: 2,
      cause: error,
    });
  }
};

/**
 * The row of a task, from the cache when it is final and there; `X-Cache` says which. A final row that was read from
 * the database is put there for the next reader.
 */
export const readTask = async (c: AppContext, id: string): Promise<Task> => {
  const { cache, store, ttlSecondsOf } = c.get('services');
  const cached = await cache.get(c.get('owner'), id);
  if (cached) {
    c.header('X-Cache', 'HIT');
    return cached;
  }
  const task = await asking(c, () => store.get(c.get('owner'), id));
  if (!task) throw taskNotFound(id);
  if (isFinal(task.status)) {
    c.header('X-Cache', 'MISS');
    c.executionCtx.waitUntil(cache.setMany([{ task, ttlSeconds: ttlSecondsOf(task.type) }]));
  }
  return task;
};
