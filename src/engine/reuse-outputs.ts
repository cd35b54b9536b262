import { completeFrom } from '../domain/new-task.ts';
import type { SubmitRequest } from '../domain/submit-request.ts';
import type { Task } from '../domain/task.ts';
import { guardUnavailable } from '../domain/unavailable.ts';
import type { Catalog } from '../handlers/catalog.ts';
import type { Logger } from '../log.ts';
import type { TaskStore } from '../store/tasks.ts';

export interface ReuseDeps {
  catalog: Pick<Catalog, 'find'>;
  store: Pick<TaskStore, 'findReusable'>;
  log: Logger;
}

/**
 * Answers tasks that need no run with the outputs that are there; one read, and none where no type
 * allows it.
 */
export const createReuse =
  ({ catalog, store, log }: ReuseDeps) =>
  async (
    owner: string,
    tasks: readonly Task[],
    requests: readonly SubmitRequest[],
  ): Promise<Task[]> => {
    const findMaxAgeMs = ({ type }: Task): number =>
      (catalog.find(owner, type)?.reuseSeconds ?? 0) * 1_000;
    const keys = tasks.map(({ reuse_key, status }, i) =>
      status === 'PENDING' && (requests[i]?.reuse ?? true) ? reuse_key : null,
    );
    const wanted = new Set(keys.filter((key) => key !== null));
    if (wanted.size === 0) return [...tasks];
    const since = Math.min(...tasks.map((task) => task.submitted_at - findMaxAgeMs(task)));
    const sources = await guardUnavailable(log, () =>
      store.findReusable(owner, [...wanted], since),
    );
    return tasks.map((task, i) => {
      const source = sources.get(keys[i] ?? '');
      const oldest = task.submitted_at - findMaxAgeMs(task);
      return source && (source.completed_at ?? 0) >= oldest ? completeFrom(task, source) : task;
    });
  };
