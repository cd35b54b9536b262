import { getTableColumns, getTableName, type Table } from 'drizzle-orm';
import { getTableConfig, type SQLiteTable } from 'drizzle-orm/sqlite-core';
import { deliveriesTable } from '../schema/deliveries.ts';
import { flowEdgesTable, flowsTable } from '../schema/flows.ts';
import { keysTable } from '../schema/keys.ts';
import { limitsTable, limitSubsTable, uniqueKeysTable } from '../schema/limits.ts';
import { mutedErrorsTable } from '../schema/muted-errors.ts';
import { ownersTable } from '../schema/owners.ts';
import { runLogsTable } from '../schema/run-logs.ts';
import { runStepsTable } from '../schema/run-steps.ts';
import { schedulesTable } from '../schema/schedules.ts';
import { taskTypesTable } from '../schema/task-types.ts';
import { tasksTable } from '../schema/tasks.ts';

// What an owner has in its database, and how each table is moved to another one.

/** A moment that never comes: what has it is looked at by no clock. */
export const NEVER = 8_640_000_000_000_000;

export type MoveRow = Record<string, unknown>;

/** How the rows of a table are moved. */
export interface MoveTable {
  name: string;
  columns: string[];
  /** Of the primary key, in order: a copy goes along it. */
  key: string[];
  /** Columns that are woken once the owner lives there: until then a row says nothing by them. */
  asleep: string[];
  /** Columns that triggers would take for something new: put in by an update of their own. */
  afterwards: string[];
  /** Rows that come once the owner lives there. */
  isLate: boolean;
  /** Whether nobody may write them in the old database any more. */
  isFenced: boolean;
}

const describe = (table: SQLiteTable, more: Partial<MoveTable> = {}): MoveTable => {
  const { primaryKeys, columns } = getTableConfig(table);
  const composed = primaryKeys[0]?.columns ?? columns.filter(({ primary }) => primary);
  return {
    name: getTableName(table as Table),
    columns: Object.keys(getTableColumns(table)),
    key: composed.map(({ name }) => name),
    asleep: [],
    afterwards: [],
    isLate: false,
    isFenced: true,
    ...more,
  };
};

/** A row as it sleeps: the clock and its limit, its workers and its queue do not see it. */
export const toAsleep = ({ asleep }: MoveTable, row: MoveRow): MoveRow => {
  if (asleep.length === 0) return row;
  const nothing = Object.fromEntries(asleep.map((column) => [column, null]));
  // A run that goes on elsewhere has a lease, here too.
  const held = row['status'] === 'IN_PROGRESS' ? { held: row['held'] } : {};
  return { ...row, ...nothing, ...held, wake_at: row['wake_at'] === null ? null : NEVER };
};
/** Whether there is anything to be woken. */
export const isAsleep = ({ asleep }: MoveTable, row: MoveRow): boolean =>
  asleep.some((column) => row[column] !== null);

/** In the order in which they are copied: what others need comes first. */
export const MOVE_TABLES: readonly MoveTable[] = [
  // Copies, see http/shard-keys.ts.
  describe(keysTable, { key: ['id'], isFenced: false }),
  describe(taskTypesTable),
  describe(mutedErrorsTable),
  describe(limitsTable, { asleep: ['wake_at'] }),
  describe(limitSubsTable),
  describe(flowsTable),
  describe(tasksTable, {
    asleep: ['held', 'wake_at', 'turn', 'slot'],
    afterwards: ['callback_url', 'unique_key', 'idempotency_key', 'item'],
  }),
  describe(flowEdgesTable),
  describe(uniqueKeysTable),
  describe(runLogsTable),
  describe(runStepsTable),
  describe(schedulesTable, { asleep: ['wake_at'] }),
  // Triggers have counted what was copied: this is what was counted before.
  describe(ownersTable, { isFenced: false }),
  // One that is open is due: it goes out where its task is.
  describe(deliveriesTable, { isLate: true }),
];
