import { v7 as uuidv7 } from 'uuid';
import { chunk } from '../domain/chunk.ts';
import {
  BLOCKED_BY,
  IN_LIST,
  MAX_COPIED_BYTES,
  MAX_FLOW_TASKS,
  MAX_ITEMS,
  type Flow,
  type FlowTask,
} from '../domain/flow.ts';
import { BORN, UNUSED } from '../domain/new-task.ts';
import type { CommittedTask, Task, TaskError, TaskSummaryRow } from '../domain/task.ts';
import type { FlowStore } from '../store/flows.ts';
import { encodeFlowTask } from '../store/inserts.ts';
import type { ReleaseStore } from '../store/releases.ts';
import { MAX_GROUP_CHARS } from '../store/statements.ts';
import { prepareNode, type NodeDeps, type Prepared } from './flow-node.ts';
import { fillTemplate, TOO_LARGE } from './flow-values.ts';
import type { FlowValues } from './node-values.ts';

/** Tasks that one statement makes. */
const MAX_INSERTED = 100;
/** Where more tasks of a metered type may not begin now, the rest is made after this. */
const METERED_MS = 10_000;
/** Characters of parameters that are filled in at a time, for one invocation has seconds of CPU; */
const MAX_PREPARED_CHARS = 20_000_000;
/** the rest after this. */
const PREPARED_MS = 100;
const NONE = { items: 0, completed: 0, failed: 0, cancelled: 0 };

export interface FlowListDeps extends NodeDeps {
  releases: Pick<
    ReleaseStore,
    'findItems' | 'countItems' | 'insertItems' | 'markExpanded' | 'postpone' | 'end' | 'fail'
  >;
  flows: Pick<FlowStore, 'getMany'>;
  /** Whether the owner may run one more task of a metered type just now; if so it is counted. */
  tryConsume(owner: string): Promise<boolean>;
  /** Sets the Dispatcher's alarm; awaited before any row is due. */
  ensureAlarmBy(at: number): Promise<void>;
}

/** The task for one item of a list node, new and not stored. */
const buildItem = (list: FlowTask, item: number, prepared: Prepared | null, now: number): Task => {
  const own = {
    ...list,
    ...UNUSED,
    ...BORN,
    id: uuidv7(),
    item,
    attempt: 0,
    attempts: '[]',
    version: 1,
    rescues: 0,
    progress: null,
    started_at: null,
    submitted_at: now,
    updated_at: now,
    // The node's own is called once, when all have ended.
    callback_url: null,
  };
  // The template of a thousand is not stored a thousand times.
  const template = list.params.length <= MAX_COPIED_BYTES ? list.params : IN_LIST;
  // One that cannot run is made all the same, and failed by itself.
  if (!prepared) return { ...own, params: template, blocked_by: BLOCKED_BY.ready };
  const isLater = prepared.scheduled_at !== null && prepared.scheduled_at > now;
  const params = prepared.params ?? template;
  return { ...own, ...prepared, params, status: isLater ? 'NEW' : 'PENDING' };
};

/** List nodes: a task for each item, and an end when all of these have ended. */
export const createFlowLists = (deps: FlowListDeps) => {
  const { releases, flows, catalog, tryConsume, ensureAlarmBy, now } = deps;

  const readFlows = async (lists: readonly FlowTask[]): Promise<Map<string, Flow>> => {
    const keys = lists.map(({ owner, flow_id }) => ({ owner, id: flow_id }));
    return new Map((await flows.getMany(keys)).map((flow) => [flow.id, flow]));
  };

  const fail = (list: FlowTask, error: TaskError): Promise<TaskSummaryRow[]> =>
    releases.fail([{ ...list, error }], now());

  /** Ends list nodes whose tasks have all ended. */
  const end = async (lists: readonly FlowTask[]): Promise<TaskSummaryRow[]> => {
    if (lists.length === 0) return [];
    const made = await releases.countItems(lists);
    const found = await readFlows(lists);
    const counted = lists.map((list) => ({ list, result: made.get(list.id) ?? NONE }));
    const isFine = ({ list, result }: (typeof counted)[number]): boolean =>
      result.completed === result.items || found.get(list.flow_id)?.on_failure === 'continue';
    const ended = await releases.end(
      counted.filter(isFine).map(({ list, result }) => ({ ...list, result })),
      now(),
    );
    const failed = counted.filter((each) => !isFine(each));
    const failures = failed.map(({ list, result: { items, completed } }) => ({
      ...list,
      error: {
        code: 'items_failed',
        message: `${items - completed} of ${items} tasks did not complete`,
      },
    }));
    return [...ended, ...(await releases.fail(failures, now()))];
  };

  /** Why a list cannot be made tasks of. */
  const findProblem = async (
    list: FlowTask,
    items: unknown,
    made: number,
  ): Promise<TaskError | null> => {
    if (!Array.isArray(items))
      return { code: 'not_a_list', message: `\`for_each\`: ${list.for_each} is not a list` };
    if (items.length > MAX_ITEMS)
      return {
        code: 'too_many_items',
        message: `\`for_each\`: ${list.for_each} has ${items.length} items, ${MAX_ITEMS} at most`,
      };
    const tasks = (await readFlows([list])).get(list.flow_id)?.tasks ?? 0;
    if (tasks + items.length - made <= MAX_FLOW_TASKS) return null;
    return {
      code: 'too_many_items',
      message: `A flow has ${MAX_FLOW_TASKS} tasks at most, and this one has ${tasks} already`,
    };
  };

  const insert = async (rows: readonly Task[]): Promise<Task[]> => {
    const tasks: Task[] = [];
    const sizeOf = ({ params }: Task): number => params.length;
    for (const group of chunk(rows, { most: MAX_INSERTED, sizeOf, maxSize: MAX_GROUP_CHARS })) {
      const held = await releases.insertItems(group.map(encodeFlowTask));
      for (const task of group)
        if (held.has(task.id)) tasks.push({ ...task, held: held.get(task.id) ?? null });
    }
    return tasks;
  };

  /**
   * Makes the tasks of a list node that are not there yet, group by group.
   * @returns them, and after how long (ms) the rest is to be made; null where there is none
   */
  const makeItems = async (
    list: FlowTask,
    items: readonly unknown[],
    there: ReadonlySet<number>,
    values: FlowValues,
  ): Promise<{ tasks: Task[]; restMs: number | null }> => {
    const isMetered = catalog.find(list.owner, list.type)?.isMetered ?? false;
    const tasks: Task[] = [];
    let chars = 0;
    let restMs: number | null = null;
    const missing = [...items.keys()].filter((i) => !there.has(i));
    for (const group of chunk(missing, { most: MAX_INSERTED })) {
      const rows: Task[] = [];
      for (const i of group) {
        if (isMetered && !(await tryConsume(list.owner))) restMs = METERED_MS;
        else if (chars > MAX_PREPARED_CHARS) restMs = PREPARED_MS;
        if (restMs !== null) break;
        const filled = fillTemplate(list, values, items[i]);
        chars += list.params.length + ('bytes' in filled ? filled.bytes : 0);
        const prepared = prepareNode(list, filled, deps);
        rows.push(buildItem(list, i, 'error' in prepared ? null : prepared, now()));
      }
      tasks.push(...(await insert(rows)));
      if (restMs !== null) break;
    }
    return { tasks, restMs };
  };

  return {
    end,

    /** Makes a task for each item. @param values null: they are too large */
    async expand(list: FlowTask, values: FlowValues | null): Promise<CommittedTask[]> {
      if (!values) return fail(list, TOO_LARGE);
      const items = values.readList(list);
      const there = await releases.findItems(list);
      const problem = await findProblem(list, items, there.size);
      if (problem) return fail(list, problem);
      const all = items as unknown[];
      const { tasks, restMs } = await makeItems(list, all, there, values);
      // Of those that cannot run the clock makes failures.
      if (tasks.some(({ held }) => held === 'flow')) await ensureAlarmBy(now());
      if (restMs !== null) {
        await ensureAlarmBy(now() + restMs);
        await releases.postpone([list], now() + restMs);
        return tasks;
      }
      const expanded = await releases.markExpanded([{ ...list, items: all.length }], now());
      const isOver = expanded.some(({ blocked_by }) => blocked_by === BLOCKED_BY.ready);
      const ended = isOver
        ? await end(expanded.map((row) => ({ ...list, version: row.version })))
        : [];
      return [...tasks, ...expanded, ...ended];
    },
  };
};

export type FlowLists = ReturnType<typeof createFlowLists>;
