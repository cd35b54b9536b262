import { chunk } from '../domain/chunk.ts';
import type { Task, TaskError, TaskKey, TaskSummaryRow } from '../domain/task.ts';
import type { HeldReason } from '../domain/words.ts';
import { readBodies, type ShortRow } from './bodies.ts';
import { INSERT_FLOW_TASKS } from './inserts.ts';
import { COUNT_ITEMS, FIND_ITEMS, READ_TEMPLATE } from './item-sql.ts';
import {
  CANCEL,
  END,
  EXPANDED,
  FAIL,
  FIND_AFTER,
  FIND_DUE,
  FIND_SOURCES,
  POSTPONE,
  READ_RESULTS,
  RELEASE,
  RELEASED,
} from './release-sql.ts';
import { MAX_GROUP_CHARS } from './statements.ts';

/** A node, or a task that a list node made, whose result others use. */
export type SourceRow = Pick<Task, 'owner' | 'id' | 'item' | 'status' | 'for_each' | 'items'> & {
  flow_id: string;
  node: string;
  /** Of its result. */
  bytes: number;
  /** Where it is short; null for a long one, which `readResults` has. */
  result: string | null;
};

type AsRead = Pick<Task, 'owner' | 'id' | 'version'>;
/** Nodes, and whether there are more. */
interface Found {
  tasks: Task[];
  hasMore: boolean;
}
/** What the release step writes of a node that may run. */
export type Released = AsRead &
  Pick<Task, Exclude<(typeof RELEASED)[number], 'params'>> & {
    /** Null where they stay as they are. */
    params: string | null;
  };

/** How the tasks of a list node stand. */
export interface ItemCounts {
  items: number;
  completed: number;
  failed: number;
  cancelled: number;
}

type NodeKey = Pick<Task, 'owner'> & { flow_id: string; node: string };
/** Bytes of parameters and results that are read at a time, unless a single row has more. */
const MAX_FOUND_BYTES = 8_000_000;

export const createReleaseStore = (db: D1Database, failureSinks: string | null = null) => {
  const write = async (
    sql: string,
    rows: readonly (readonly unknown[])[],
    ...more: unknown[]
  ): Promise<TaskSummaryRow[]> => {
    if (rows.length === 0) return [];
    const statement = db.prepare(sql).bind(JSON.stringify(rows), ...more);
    return (await statement.all<TaskSummaryRow>()).results;
  };
  /** As many of them as may be held at a time. */
  const readSome = async (rows: readonly ShortRow[], limit: number): Promise<Found> => {
    let bytes = 0;
    const some = rows.filter(({ long_bytes }, i) => {
      bytes += long_bytes;
      return i === 0 || bytes <= MAX_FOUND_BYTES;
    });
    const hasMore = rows.length === limit || some.length < rows.length;
    return { tasks: await readBodies(db, some), hasMore };
  };
  const keyOf = ({ owner, id, version }: AsRead) => [owner, id, version] as const;

  return {
    /** The nodes that these ends made ready, or that cannot run because of them: `limit` at most. */
    async findAfter(
      ended: readonly Pick<Task, 'owner' | 'id' | 'flow_id' | 'node' | 'item'>[],
      limit: number,
    ): Promise<Found> {
      const bound = JSON.stringify(
        ended.map(({ owner, id, flow_id, node, item }) => ({ owner, id, flow_id, node, item })),
      );
      const statement = db.prepare(FIND_AFTER).bind(bound, limit);
      return readSome((await statement.all<ShortRow>()).results, limit);
    },

    /** The same, by their moment: what a crash left. */
    async findDue(now: number, limit: number): Promise<Found> {
      const statement = db.prepare(FIND_DUE).bind(now, limit);
      return readSome((await statement.all<ShortRow>()).results, limit);
    },

    /** The tasks of these nodes, without results that are long. */
    async findSources(nodes: readonly NodeKey[]): Promise<SourceRow[]> {
      const bound = JSON.stringify(nodes.map(({ owner, flow_id, node }) => [owner, flow_id, node]));
      return (await db.prepare(FIND_SOURCES).bind(bound).all<SourceRow>()).results;
    },

    /** Which tasks a list node has made, by the place of their item. */
    async findItems({ owner, flow_id, node }: NodeKey): Promise<Set<number>> {
      const statement = db.prepare(FIND_ITEMS).bind(owner, flow_id, node);
      return new Set((await statement.raw<[number]>()).flat());
    },

    /** How the tasks of list nodes stand, by the node's id; nothing of one that has none. */
    async countItems(lists: readonly (NodeKey & Pick<Task, 'id'>)[]) {
      const bound = lists.map(({ id, owner, flow_id, node }) => [id, owner, flow_id, node]);
      const statement = db.prepare(COUNT_ITEMS).bind(JSON.stringify(bound));
      const { results } = await statement.all<ItemCounts & Pick<Task, 'id'>>();
      return new Map(results.map(({ id, ...counts }) => [id, counts]));
    },

    /** The parameters of a list node as they were written. */
    readTemplate: ({ owner, flow_id, node }: NodeKey): Promise<string | null> =>
      db.prepare(READ_TEMPLATE).bind(owner, flow_id, node).first<string>('params'),

    /** Results as JSON texts, by id; null for those that have none. */
    async readResults(keys: readonly TaskKey[]): Promise<Map<string, string | null>> {
      const bound = JSON.stringify(keys.map(({ owner, id }) => [owner, id]));
      const statement = db.prepare(READ_RESULTS).bind(bound);
      const { results } = await statement.all<{ id: string; result: string | null }>();
      return new Map(results.map(({ id, result }) => [id, result]));
    },

    /** Makes nodes runnable, with their parameters. */
    async release(rows: readonly Released[], now: number): Promise<TaskSummaryRow[]> {
      const sizeOf = ({ params }: Released): number => params?.length ?? 0;
      const released: TaskSummaryRow[] = [];
      for (const group of chunk(rows, { sizeOf, maxSize: MAX_GROUP_CHARS })) {
        const bound = group.map((row) => [...keyOf(row), ...RELEASED.map((column) => row[column])]);
        released.push(...(await write(RELEASE, bound, now)));
      }
      return released;
    },

    /** Fails nodes that cannot run as they are. */
    fail: (
      rows: readonly (AsRead & { error: TaskError })[],
      now: number,
    ): Promise<TaskSummaryRow[]> =>
      write(
        FAIL,
        rows.map((row) => [...keyOf(row), row.error]),
        now,
        failureSinks,
      ),

    /** Ends list nodes whose tasks have all ended. */
    end: (
      rows: readonly (AsRead & { result: unknown })[],
      now: number,
    ): Promise<TaskSummaryRow[]> =>
      write(
        END,
        rows.map((row) => [...keyOf(row), row.result]),
        now,
      ),

    /** Cancels what cannot run, and all that waits for it. */
    cancelStopped: (rows: readonly AsRead[], now: number): Promise<TaskSummaryRow[]> =>
      write(CANCEL, rows.map(keyOf), now),

    /** Adds tasks of a list node; returns what holds each that is new, by id. */
    async insertItems(rows: readonly string[]): Promise<Map<string, HeldReason | null>> {
      const statement = db.prepare(INSERT_FLOW_TASKS).bind(`[${rows.join(',')}]`);
      return new Map(await statement.raw<[string, HeldReason | null]>());
    },

    /** A list node has made all of its tasks: it waits for those that have not ended. */
    markExpanded: (
      rows: readonly (AsRead & { items: number })[],
      now: number,
    ): Promise<TaskSummaryRow[]> =>
      write(
        EXPANDED,
        rows.map((row) => [...keyOf(row), row.items]),
        now,
      ),

    /** They are looked at again at that moment (ms). */
    postpone: (rows: readonly AsRead[], at: number): Promise<TaskSummaryRow[]> =>
      write(POSTPONE, rows.map(keyOf), at),
  };
};

export type ReleaseStore = ReturnType<typeof createReleaseStore>;
