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
  type Found = { id: string; type: string; flow_id: string | null };
  const isMetered = (owner: string, type: string): boolean =>
    catalog.find(owner, type)?.isMetered ?? false;
  const reserve = async (owner: string, count: number): Promise<void> => {
    if (count === 0 || (await tryReserve(owner, count))) return;
    const message = 'Too many tasks of this owner are waiting or running';
    throw new GiveUp(message, 'too_many_unfinished');
  };

  /**
   * Those that may be run again, by what they cost and by how many their owner may have. Of flows that is
   * asked once it is known what goes back.
   */
  const reserveRetries = async (owner: string, tasks: readonly Found[]): Promise<string[]> => {
    const ids: string[] = [];
    const ofFlows = tasks.filter(({ flow_id }) => flow_id !== null);
    for (const { id, type, flow_id } of tasks)
      if (flow_id === null && (!isMetered(owner, type) || (await tryConsume(owner)))) ids.push(id);
    await reserve(owner, ids.length);
    return [...ids, ...ofFlows.map(({ id }) => id)];
  };

  const allowInFlows =
    (owner: string) =>
    async (types: readonly string[]): Promise<boolean> => {
      for (const type of types)
        if (isMetered(owner, type) && !(await tryConsume(owner))) return false;
      await reserve(owner, types.length);
      return true;
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
          const { tasks, next } = await search.find<Found>(
            () => 'id, type, flow_id',
            owner,
            filter,
            { limit: CHUNK, cursor: before },
          );
          const isRetry = action === 'retry';
          const ids = isRetry ? await reserveRetries(owner, tasks) : tasks.map(({ id }) => id);
          const allow = isRetry ? allowInFlows(owner) : undefined;
          const changed = ids.length === 0 ? 0 : await commands.runMany(action, owner, ids, allow);
          return { matched: tasks.length, changed, next };
        },
      };
    },
  });
};
