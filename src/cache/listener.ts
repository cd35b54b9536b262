import type { CommitListener } from '../domain/commit-listener.ts';
import type { CommittedTask, Task } from '../domain/task.ts';
import { isFinal } from '../domain/words.ts';
import type { OutputCache } from './output-cache.ts';

const isWhole = (task: CommittedTask): task is Task =>
  task.params !== undefined && task.result !== undefined;

/** Caches the outputs of final tasks near those who will ask. */
export const createCacheListener = (deps: {
  cache: Pick<OutputCache, 'setMany'>;
  findTtlSeconds(owner: string, type: string): number;
}): CommitListener => ({
  name: 'cache',
  onCommit: async (tasks) => {
    const finished = tasks.filter(isWhole).filter(({ status }) => isFinal(status));
    if (finished.length === 0) return;
    const outputs = finished.map((task) => ({
      task,
      ttlSeconds: deps.findTtlSeconds(task.owner, task.type),
    }));
    await deps.cache.setMany(outputs);
  },
});
