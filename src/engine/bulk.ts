import type { BulkAction } from '../domain/bulk.ts';
import { GiveUp } from '../domain/errors.ts';
import { toFilter } from '../domain/filter-schema.ts';
import type { TaskFilter } from '../domain/filter.ts';
import { lifecycle } from '../domain/lifecycle.ts';
import { STATUSES, type Status } from '../domain/task.ts';
import type { OwnTasks } from '../handlers/handler.ts';
import type { TaskSearch } from '../store/search.ts';
import type { Commands } from './commands.ts';

/** Tasks that one statement changes. */
const CHUNK = 100;

/** Where each action may begin. */
const FROM: Record<BulkAction, readonly Status[]> = {
  cancel: lifecycle.cancel.from,
  pause: lifecycle.pause.from,
  resume: lifecycle.resume.from,
  retry: lifecycle.retry.from,
  delete: STATUSES.filter((status) => status !== 'IN_PROGRESS'),
};

export interface BulkDeps {
  search: Pick<TaskSearch, 'find' | 'count'>;
  commands: Pick<Commands, 'many'>;
  typeOf(name: string): string;
  isMetered(type: string): boolean;
  /** Whether the owner may run one more task of a costed type just now. */
  tryConsume(owner: string): Promise<boolean>;
  /** Whether the owner may have so many more unfinished tasks; if so they are counted in. */
  tryReserve(owner: string, count: number): Promise<boolean>;
}

/** Does to all tasks that a filter finds what commands do to one, a chunk at a time. */
export const createBulk = ({
  search,
  commands,
  typeOf,
  isMetered,
  tryConsume,
  tryReserve,
}: BulkDeps) => {
  /** Those that may be run again, by what they cost and by how many their owner may have. */
  const runnable = async (
    owner: string,
    tasks: readonly { id: string; type: string }[],
  ): Promise<string[]> => {
    const ids: string[] = [];
    for (const { id, type } of tasks)
      if (!isMetered(type) || (await tryConsume(owner))) ids.push(id);
    if (ids.length > 0 && !(await tryReserve(owner, ids.length)))
      throw new GiveUp(
        'Too many tasks of this owner are waiting or running',
        'too_many_unfinished',
      );
    return ids;
  };

  return (owner: string): OwnTasks => ({
    matching(action, written) {
      const asked = toFilter(written, typeOf);
      const statuses = FROM[action].filter((status) => asked.statuses?.includes(status) ?? true);
      const filter: TaskFilter = { ...asked, statuses };
      return {
        async count(before) {
          if (statuses.length === 0) return 0;
          return (await search.count(owner, filter, before)).total;
        },

        async act(before) {
          if (statuses.length === 0) return { matched: 0, changed: 0, next: null };
          const { tasks, next } = await search.find<{ id: string; type: string }>(
            'id, type',
            owner,
            filter,
            { limit: CHUNK, before },
          );
          const ids = action === 'retry' ? await runnable(owner, tasks) : tasks.map(({ id }) => id);
          const changed =
            ids.length === 0
              ? 0
              : await commands.many(action === 'retry' ? 'retry' : action, owner, ids);
          return { matched: tasks.length, changed, next };
        },
      };
    },
  });
};
