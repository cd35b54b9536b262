import { GiveUp } from '../domain/errors.ts';
import { toFilter } from '../domain/filter-schema.ts';
import type { TaskFilter } from '../domain/filter.ts';
import { allows } from '../domain/lifecycle.ts';
import { STATUSES } from '../domain/words.ts';
import type { Catalog } from '../handlers/catalog.ts';
import type { OwnTasks } from '../handlers/handler.ts';
import type { TaskSearch } from '../store/search.ts';
import type { Commands } from './commands.ts';

/** Tasks that one statement changes. */
const CHUNK = 100;

export interface BulkDeps {
  search: Pick<TaskSearch, 'find' | 'count'>;
  commands: Pick<Commands, 'runMany'>;
  catalog: Catalog;
  /** Whether the owner may run one more task of a metered type just now; if so it is counted. */
  tryConsume(owner: string): Promise<boolean>;
  /** Reserves `count` more unfinished tasks for the owner; false when that exceeds the quota. */
  tryReserve(owner: string, count: number): Promise<boolean>;
}

/** Does to all tasks that a filter finds what commands do to one, a chunk at a time. */
export const createBulk = ({ search, commands, catalog, tryConsume, tryReserve }: BulkDeps) => {
  /** Those that may be run again, by what they cost and by how many their owner may have. */
  const reserveRetries = async (
    owner: string,
    tasks: readonly { id: string; type: string }[],
  ): Promise<string[]> => {
    const ids: string[] = [];
    for (const { id, type } of tasks) {
      const isMetered = catalog.find(owner, type)?.isMetered ?? false;
      if (!isMetered || (await tryConsume(owner))) ids.push(id);
    }
    if (ids.length === 0 || (await tryReserve(owner, ids.length))) return ids;
    const message = 'Too many tasks of this owner are waiting or running';
    throw new GiveUp(message, 'too_many_unfinished');
  };

  return (owner: string): OwnTasks => ({
    findMatching(action, written) {
      const wanted = toFilter(written, (name) => catalog.find(owner, name)?.type ?? name);
      const statuses = STATUSES.filter(
        (status) => allows(action, status) && (wanted.statuses?.includes(status) ?? true),
      );
      const filter: TaskFilter = { ...wanted, statuses };
      return {
        async count(before) {
          if (statuses.length === 0) return 0;
          return (await search.count(owner, filter, before)).total;
        },

        async act(before) {
          if (statuses.length === 0) return { matched: 0, changed: 0, next: null };
          const { tasks, next } = await search.find<{ id: string; type: string }>(
            () => 'id, type',
            owner,
            filter,
            { limit: CHUNK, cursor: before },
          );
          const isRetry = action === 'retry';
          const ids = isRetry ? await reserveRetries(owner, tasks) : tasks.map(({ id }) => id);
          const changed = ids.length === 0 ? 0 : await commands.runMany(action, owner, ids);
          return { matched: tasks.length, changed, next };
        },
      };
    },
  });
};
