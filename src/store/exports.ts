import { chunk } from '../domain/chunk.ts';
import type { TaskFilter } from '../domain/filter.ts';
import type { Task, TaskKey } from '../domain/task.ts';
import { createTaskSearch } from './search.ts';
import { nameStatement, ROW_BYTES } from './statements.ts';

/** Tasks that are found at a time, … */
const PAGE_TASKS = 1_000;
/** … and bytes of them that are read at a time. */
const MAX_READ_BYTES = 1_500_000;

const READ_WHOLE = nameStatement(
  'exports.read_whole',
  `SELECT *
FROM tasks
WHERE (owner, id) IN (SELECT value ->> 0, value ->> 1 FROM json_each(?1))
ORDER BY id`,
);

type SizedKey = TaskKey & { bytes: number };

/** Tasks with all that their rows have, a bounded part at a time. */
export const createExports = (db: D1Database) => {
  const search = createTaskSearch(db);
  /** Rows as they are, oldest first; those that are gone are left out. */
  const readWhole = async function* (keys: readonly SizedKey[]): AsyncGenerator<Task[]> {
    const sizeOf = ({ bytes }: SizedKey): number => bytes;
    for (const group of chunk(keys, { sizeOf, maxSize: MAX_READ_BYTES })) {
      const bound = JSON.stringify(group.map(({ owner, id }) => [owner, id]));
      yield (await db.prepare(READ_WHOLE).bind(bound).all<Task>()).results;
    }
  };
  return {
    readWhole,

    /** Which tasks come next, oldest first, and where it goes on; null at the end. */
    async findPage(
      owner: string,
      filter: TaskFilter,
      cursor: string | undefined,
    ): Promise<{ keys: SizedKey[]; next: string | null; isBlind: boolean }> {
      const page = await search.find<SizedKey>(() => `id, ${ROW_BYTES} AS bytes`, owner, filter, {
        limit: PAGE_TASKS,
        cursor,
        order: 'oldest',
      });
      const keys = page.tasks.map(({ id, bytes }) => ({ owner, id, bytes }));
      return { keys, next: page.next, isBlind: page.truncated && page.next === null };
    },
  };
};

export type Exports = ReturnType<typeof createExports>;
