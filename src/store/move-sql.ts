import { MOVE_TABLES, NEVER, type MoveTable } from './move-tables.ts';
import { jsonRows, nameStatement } from './statements.ts';

/** Rows that one statement reads, and bytes of them. */
const MAX_ROWS = 500;
const MAX_BYTES = 1_500_000;
/** Rows that one statement deletes. */
const MAX_DELETED = 500;

const quote = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/** Names of fences: an owner's name may have letters that a name has not. */
const toFenceName = (table: string, event: string, owner: string): string =>
  `fence_${table}_${event}_${[...new TextEncoder().encode(owner)].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`;

const FENCED = MOVE_TABLES.filter(({ isFenced }) => isFenced).flatMap(({ name }) =>
  (['INSERT', 'UPDATE'] as const).map((event) => ({ table: name, event })),
);

/** The next rows of an owner, by key: ?1 the owner, ?2 the key of the last one as a list, or null. */
export const readSql = ({ name, columns, key }: MoveTable): string => {
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

/** Inserts rows, each a list of its columns. */
export const insertSql = ({ name, columns, afterwards, key }: MoveTable): string => {
  const inserted = columns.filter((column) => !afterwards.includes(column));
  const others = inserted.filter((column) => !key.includes(column));
  // A copy of a key may be there from before, and older than its end.
  const updates: Record<string, string> = {
    owners: others.map((column) => `${column} = excluded.${column}`).join(', '),
    keys: ['revoked_at', 'expires_at']
      .map(
        (column) =>
          `${column} = coalesce(min(keys.${column}, excluded.${column}), keys.${column}, excluded.${column})`,
      )
      .join(', '),
  };
  const conflict = updates[name] === undefined ? 'NOTHING' : `UPDATE SET ${updates[name]}`;
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

/** Puts in what triggers would take for something new. */
export const completeSql = (table: MoveTable): string =>
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
/** Puts back what rows wait for: ?2 is when whoever runs a task has to have told of its end. */
export const wakeSql = (table: MoveTable): string => {
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

/** So that nobody changes what the owner has, in silence. */
export const fenceSqls = (owner: string): string[] =>
  FENCED.map(({ table, event }) => {
    const row = event === 'INSERT' ? 'NEW' : 'OLD';
    const fence = toFenceName(table, event, owner);
    return `CREATE TRIGGER IF NOT EXISTS ${fence} BEFORE ${event} ON ${table} WHEN ${row}.owner = ${quote(owner)} BEGIN SELECT RAISE(IGNORE); END`;
  });

export const unfenceSqls = (owner: string): string[] =>
  FENCED.map(({ table, event }) => `DROP TRIGGER IF EXISTS ${toFenceName(table, event, owner)}`);

/** Deletes some rows of an owner. */
export const cleanSql = ({ name, key }: MoveTable): string => {
  const list = key.join(', ');
  return nameStatement(
    'moves.clean',
    `DELETE FROM ${name}
WHERE (${list}) IN (SELECT ${list} FROM ${name} WHERE owner = ?1 LIMIT ${MAX_DELETED})`,
  );
};
