import { KEPT_MINUTES, LEVELS, type Level } from '../domain/figures.ts';

// Figures of one owner, in the SQLite of its own object: a row for each type and queue, by minute,
// by hour and by day.

/** Names of types that are told apart; tasks of all further ones are those of `other`. */
const MAX_TYPES = 200;
const OTHER = 'other';

const SCHEMA = `
CREATE TABLE IF NOT EXISTS figures (
  level INTEGER NOT NULL,
  at INTEGER NOT NULL,
  type TEXT NOT NULL,
  queue TEXT NOT NULL,
  cell TEXT NOT NULL,
  PRIMARY KEY (level, at, type, queue)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS types (name TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS batches (id INTEGER PRIMARY KEY, last INTEGER NOT NULL);`;

const GET = 'SELECT cell FROM figures WHERE level = ?1 AND at = ?2 AND type = ?3 AND queue = ?4';
const PUT =
  'INSERT OR REPLACE INTO figures (level, at, type, queue, cell) VALUES (?1, ?2, ?3, ?4, ?5)';
const LIST = 'SELECT at, type, queue, cell FROM figures WHERE level = ?1 AND at >= ?2 AND at < ?3';
const DELETE_OLD = 'DELETE FROM figures WHERE level = ?1 AND at < ?2';
const LIST_TYPES = 'SELECT name FROM types';
const ADD_TYPE = 'INSERT OR IGNORE INTO types (name) VALUES (?1)';
const GET_LAST = 'SELECT last FROM batches WHERE id = 1';
const PUT_LAST = 'INSERT OR REPLACE INTO batches (id, last) VALUES (1, ?1)';

/** A cell as it is stored, with its place. */
export interface FigureRow {
  [column: string]: SqlStorageValue;
  /** Minutes since 1970. */
  at: number;
  type: string;
  queue: string;
  cell: string;
}

/** The figures in an object's storage. */
export const createFigureStore = (sql: SqlStorage) => {
  sql.exec(SCHEMA);
  const types = new Set(
    sql
      .exec<{ name: string }>(LIST_TYPES)
      .toArray()
      .map(({ name }) => name),
  );

  return {
    /** The number of the last batch that was added; 0 before the first. */
    readLastBatch: (): number => sql.exec<{ last: number }>(GET_LAST).toArray()[0]?.last ?? 0,
    storeLastBatch: (number: number): void => void sql.exec(PUT_LAST, number),

    /** The name under which a type is counted. */
    nameType(type: string): string {
      if (types.has(type)) return type;
      if (types.size >= MAX_TYPES) return OTHER;
      types.add(type);
      sql.exec(ADD_TYPE, type);
      return type;
    },

    /** The cell of a place, as it is stored; null when there is none. */
    get: (level: Level, at: number, type: string, queue: string): string | null =>
      sql.exec<{ cell: string }>(GET, level, at, type, queue).toArray()[0]?.cell ?? null,

    put: (level: Level, { at, type, queue, cell }: FigureRow): void =>
      void sql.exec(PUT, level, at, type, queue, cell),

    /** Rows of a level, from one minute up to another one, by time. */
    list: (level: Level, from: number, to: number): Iterable<FigureRow> =>
      sql.exec<FigureRow>(LIST, level, from, to),

    /** Deletes what is older than rows of its level are kept. */
    prune(minute: number): void {
      for (const level of LEVELS) sql.exec(DELETE_OLD, level, minute - KEPT_MINUTES[level]);
    },
  };
};
