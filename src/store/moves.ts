import { chunk } from '../domain/chunk.ts';
import {
  isAsleep,
  MOVE_TABLES,
  NEVER,
  toAsleep,
  type MoveRow,
  type MoveTable,
} from './move-tables.ts';
import { jsonRows, MAX_GROUP_CHARS, nameStatement } from './statements.ts';

/** Rows that one statement reads, and bytes of them. */
const MAX_ROWS = 500;
const MAX_BYTES = 1_500_000;
/** Rows that one statement deletes. */
const MAX_DELETED = 500;
/** Whoever ran a task when it was fenced has this long to tell how it ended, ms. */
const MAX_TELLING_MS = 30_000;

const quote = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/** Names of fences: an owner's name may have letters that a name has not. */
const toFenceName = (table: string, event: string, owner: string): string =>
  `fence_${table}_${event}_${[...new TextEncoder().encode(owner)].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`;

const FENCED = MOVE_TABLES.filter(({ isFenced }) => isFenced).flatMap(({ name }) =>
  (['INSERT', 'UPDATE'] as const).map((event) => ({ table: name, event })),
);

const readSql = ({ name, columns, key }: MoveTable): string => {
  const bytes = columns.map((column) => `coalesce(octet_length(${column}), 0)`).join(' + ');
  const list = key.join(', ');
  return nameStatement(
    'moves.read',
    `SELECT ${columns.join(', ')}
FROM (
  SELECT *, sum(${bytes}) OVER (ROWS UNBOUNDED PRECEDING) - (${bytes}) AS bytes_before
  FROM (
    SELECT *
    FROM ${name}
    WHERE owner = ?1 AND (?2 IS NULL OR (${list}) > (${key.map((_, i) => `?2 ->> ${i}`).join(', ')}))
    ORDER BY ${list}
    LIMIT ${MAX_ROWS}
  )
)
WHERE bytes_before < ${MAX_BYTES}
ORDER BY ${list}`,
  );
};

const valueSql = (columns: readonly string[], column: string): string =>
  `value ->> ${columns.indexOf(column)}`;

const insertSql = ({ name, columns, afterwards, key }: MoveTable): string => {
  const inserted = columns.filter((column) => !afterwards.includes(column));
  const others = inserted.filter((column) => !key.includes(column));
  const conflict =
    name === 'owners'
      ? `UPDATE SET ${others.map((column) => `${column} = excluded.${column}`).join(', ')}`
      : 'NOTHING';
  return nameStatement(
    'moves.insert',
    `INSERT INTO ${name} (${inserted.join(', ')})
${jsonRows('given', '?1')}
SELECT ${inserted.map((column) => valueSql(columns, column)).join(', ')}
FROM given
WHERE true
ON CONFLICT (${key.join(', ')}) DO ${conflict}`,
  );
};

const matchSql = ({ name, columns, key }: MoveTable): string =>
  key.map((column) => `${name}.${column} = r.${valueSql(columns, column)}`).join(' AND ');

const completeSql = (table: MoveTable): string =>
  nameStatement(
    'moves.complete',
    `UPDATE ${table.name}
SET ${table.afterwards.map((column) => `${column} = r.${valueSql(table.columns, column)}`).join(', ')}
FROM json_each(?1) AS r
WHERE ${matchSql(table)}`,
  );

// What was claimed, or changed, meanwhile sleeps still: by what nothing else writes it is known.
const IS_SLEEPING: Record<string, string> = {
  tasks: `(tasks.wake_at = ${NEVER} OR (tasks.status = 'PENDING' AND tasks.held IS NULL AND tasks.wake_at IS NULL))`,
  schedules: `schedules.wake_at = ${NEVER}`,
  limits: `limits.wake_at = ${NEVER}`,
};
const wakeSql = (table: MoveTable): string => {
  const toWaking = (column: string): string => {
    const value = `r.${valueSql(table.columns, column)}`;
    if (table.name !== 'tasks') return value;
    // Of one that was claimed since, its claim says what holds it.
    const isSame = `tasks.status = r.${valueSql(table.columns, 'status')}`;
    return column === 'wake_at'
      ? `CASE WHEN tasks.status = 'IN_PROGRESS' THEN max(coalesce(${value}, 0), ?2) ELSE ${value} END`
      : `CASE WHEN ${isSame} THEN ${value} ELSE ${table.name}.${column} END`;
  };
  return nameStatement(
    'moves.wake',
    `UPDATE ${table.name}
SET ${table.asleep.map((column) => `${column} = ${toWaking(column)}`).join(', ')}
FROM json_each(?1) AS r
WHERE ${matchSql(table)}
  AND ${IS_SLEEPING[table.name]}
  AND ?2 IS NOT NULL`,
  );
};

const SLEEPING = MOVE_TABLES.filter(({ asleep }) => asleep.length > 0);

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
      await from.batch(
        FENCED.map(({ table, event }) => {
          const row = event === 'INSERT' ? 'NEW' : 'OLD';
          return from.prepare(
            `CREATE TRIGGER IF NOT EXISTS ${toFenceName(table, event, owner)} BEFORE ${event} ON ${table} WHEN ${row}.owner = ${quote(owner)} BEGIN SELECT RAISE(IGNORE); END`,
          );
        }),
      );
    },

    async unfence(owner: string): Promise<void> {
      await from.batch(
        FENCED.map(({ table, event }) =>
          from.prepare(`DROP TRIGGER IF EXISTS ${toFenceName(table, event, owner)}`),
        ),
      );
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
      for (const { name, key } of MOVE_TABLES.toReversed()) {
        if (name === 'keys') continue;
        const list = key.join(', ');
        const sql = nameStatement(
          'moves.clean',
          `DELETE FROM ${name}
WHERE (${list}) IN (SELECT ${list} FROM ${name} WHERE owner = ?1 LIMIT ${MAX_DELETED})`,
        );
        const { meta } = await from.prepare(sql).bind(owner).run();
        if (meta.changes > 0) return true;
      }
      return false;
    },
  };
};

export type Moves = ReturnType<typeof createMoves>;
