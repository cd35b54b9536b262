import { chunk } from '../domain/chunk.ts';
import {
  cleanSql,
  completeSql,
  fenceSqls,
  insertSql,
  readSql,
  unfenceSqls,
  wakeSql,
} from './move-sql.ts';
import { isAsleep, MOVE_TABLES, toAsleep, type MoveRow, type MoveTable } from './move-tables.ts';
import { MAX_GROUP_CHARS } from './statements.ts';

/** Whoever ran a task when it was fenced has this long to tell how it ended, ms. */
const MAX_TELLING_MS = 30_000;

const SLEEPING = MOVE_TABLES.filter(({ asleep }) => asleep.length > 0);
/** Copies of keys stay: they do no harm. */
const CLEANED = MOVE_TABLES.filter(({ name }) => name !== 'keys').toReversed();

/** Moves what an owner has from one database to another, a bounded part at a time. Each may be repeated. */
export const createMoves = (from: D1Database, to: D1Database) => {
  /** The next rows of a table, after the key of the last one. */
  const read = async (table: MoveTable, owner: string, after: string | null): Promise<MoveRow[]> =>
    (await from.prepare(readSql(table)).bind(owner, after).all<MoveRow>()).results;
  const toCursor = (table: MoveTable, row: MoveRow): string =>
    JSON.stringify(table.key.map((column) => row[column]));
  const write = async (
    sql: string,
    table: MoveTable,
    rows: readonly MoveRow[],
    ...more: unknown[]
  ): Promise<void> => {
    const texts = rows.map((row) => JSON.stringify(table.columns.map((column) => row[column])));
    const sizeOf = (text: string): number => text.length;
    for (const group of chunk(texts, { sizeOf, maxSize: MAX_GROUP_CHARS }))
      await to
        .prepare(sql)
        .bind(`[${group.join(',')}]`, ...more)
        .run();
  };
  return {
    /** From now on nobody changes what the owner has in the old database, in silence. */
    async fence(owner: string): Promise<void> {
      await from.batch(fenceSqls(owner).map((sql) => from.prepare(sql)));
    },

    async unfence(owner: string): Promise<void> {
      await from.batch(unfenceSqls(owner).map((sql) => from.prepare(sql)));
    },

    /**
     * Copies the next rows of the n-th table, asleep. Returns where it goes on, null at the table's end.
     * @param isLate of the tables that come once the owner lives there
     */
    async copy(
      owner: string,
      n: number,
      after: string | null,
      isLate: boolean,
    ): Promise<{ rows: number; next: string | null } | null> {
      const table = MOVE_TABLES.filter((each) => each.isLate === isLate)[n];
      if (!table) return null;
      const rows = await read(table, owner, after);
      const last = rows.at(-1);
      if (!last) return { rows: 0, next: null };
      await write(
        insertSql(table),
        table,
        rows.map((row) => toAsleep(table, row)),
      );
      if (table.afterwards.length > 0)
        await write(
          completeSql(table),
          table,
          rows.filter((row) => table.afterwards.some((column) => row[column] !== null)),
        );
      return { rows: rows.length, next: toCursor(table, last) };
    },

    /** Lets what was copied go on; like `copy`. */
    async wake(
      owner: string,
      n: number,
      after: string | null,
      now: number,
    ): Promise<{ rows: number; next: string | null } | null> {
      const table = SLEEPING[n];
      if (!table) return null;
      const rows = await read(table, owner, after);
      const last = rows.at(-1);
      if (!last) return { rows: 0, next: null };
      const sleeping = rows.filter((row) => isAsleep(table, row));
      await write(wakeSql(table), table, sleeping, now + MAX_TELLING_MS);
      return { rows: sleeping.length, next: toCursor(table, last) };
    },

    /** Deletes some of what the owner had in the old database; false when there is nothing left. */
    async clean(owner: string): Promise<boolean> {
      for (const table of CLEANED) {
        const { meta } = await from.prepare(cleanSql(table)).bind(owner).run();
        if (meta.changes > 0) return true;
      }
      return false;
    },
  };
};

export type Moves = ReturnType<typeof createMoves>;
