import { AppError } from '../domain/errors.ts';
import type { Task } from '../domain/task.ts';
import { guardUnavailable } from '../domain/unavailable.ts';
import { toTaskView, type TaskView } from '../domain/view.ts';
import { isFinal } from '../domain/words.ts';
import type { AppContext } from './context.ts';

export const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** How the path parameter of a task is documented. */
export const TASK_ID = { id: { description: 'The id of a task', format: 'uuid' } };

export const refuseUnknownTask = (id: string): AppError =>
  new AppError('task_not_found', `There is no task "${id.slice(0, 100)}"`);

/** The id of the path; what cannot be one is as unknown as one that is not there. */
export const readTaskId = (c: AppContext): string => {
  const id = c.req.param('id') ?? '';
  if (!UUID.test(id)) throw refuseUnknownTask(id);
  return id.toLowerCase();
};

/** Asks the database, or other storage; one that does not answer is a 503. */
export const orUnavailable = <T>(
  c: AppContext,
  work: () => Promise<T>,
  code?: Parameters<typeof guardUnavailable>[2],
): Promise<T> => guardUnavailable(c.get('log'), work, code);

/** A row as a view; how far a running task has come, its board knows first. */
export const toLiveView = async (c: AppContext, task: Task): Promise<TaskView> => {
  const view = toTaskView(task);
  if (task.status !== 'IN_PROGRESS') return view;
  const { boards } = c.get('services');
  // Without the board there is what was stored.
  const step = await boards.readProgress(task.owner, task.id).catch(() => null);
  return step ? { ...view, progress: { fraction: step.fraction, note: step.note } } : view;
};

/**
 * The row of a task, from the cache when it is final and there; `X-Cache` says which. A final row
 * that was read from the database is cached for the next reader.
 */
export const readTask = async (c: AppContext, id: string): Promise<Task> => {
  const { cache, store, catalog, findTtlSeconds } = c.get('services');
  const owner = c.get('owner');
  // Whoever has just changed a task asks so: a cache forgets in one data centre alone.
  const mayBeOld = !/\bno-cache\b/i.test(c.req.header('Cache-Control') ?? '');
  const cached = mayBeOld ? await cache.get(owner, id) : null;
  if (cached) {
    c.header('X-Cache', 'HIT');
    return cached;
  }
  const task = await orUnavailable(c, () => store.get(owner, id));
  if (!task) throw refuseUnknownTask(id);
  if (isFinal(task.status)) {
    c.header('X-Cache', 'MISS');
    // How long an output is kept, a registered type says itself.
    await catalog.load(owner, [task.type])?.catch(() => {});
    const ttlSeconds = findTtlSeconds(owner, task.type);
    c.executionCtx.waitUntil(cache.setMany([{ task, ttlSeconds }]));
  }
  return task;
};
