import { insideSql } from './body-sql.ts';
import { createTaskSearch } from './search.ts';

/** Tasks that are looked at, and how large one of them may be. */
const MAX_TASKS = 1_000;
const MAX_BYTES = 2_000;

interface Sample {
  id: string;
  params: string | null;
  result: string | null;
}

const ifShort = (column: string, isWanted: string): string =>
  `CASE WHEN (${isWanted}) AND octet_length(${column}) <= ${MAX_BYTES} THEN nullif(${insideSql(column)}, '') END AS ${column}`;

/** Parameters and results of the newest tasks, to learn what they look like. */
export const createSampleStore = (db: D1Database) => ({
  async read(
    owner: string,
    types: readonly string[] | undefined,
  ): Promise<{ tasks: { params: string; result: string | null }[]; bytes: number }> {
    const { tasks } = await createTaskSearch(db).find<Sample>(
      (isWanted) => `id, ${ifShort('params', isWanted)}, ${ifShort('result', isWanted)}`,
      owner,
      { types },
      { limit: MAX_TASKS },
    );
    const short = tasks.flatMap(({ params, result }) =>
      params === null ? [] : [{ params, result }],
    );
    const bytes = short.reduce(
      (sum, { params, result }) => sum + params.length + (result?.length ?? 0),
      0,
    );
    return { tasks: short, bytes };
  },
});
