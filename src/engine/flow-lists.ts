import { v7 as uuidv7 } from 'uuid';
import { chunk } from '../domain/chunk.ts';
import { BLOCKED_BY, MAX_FLOW_TASKS, MAX_ITEMS, type Flow, type FlowTask } from '../domain/flow.ts';
import { BORN, UNUSED } from '../domain/new-task.ts';
import type { CommittedTask, Task, TaskError, TaskSummaryRow } from '../domain/task.ts';
import type { FlowStore } from '../store/flows.ts';
import { encodeFlowTask } from '../store/inserts.ts';
import type { ReleaseStore } from '../store/releases.ts';
import { MAX_GROUP_CHARS } from '../store/statements.ts';
import { prepareNode, type NodeDeps, type Prepared } from './flow-node.ts';
import { fillTemplate, TOO_LARGE, type FlowValues } from './flow-values.ts';

/** Tasks that one statement makes. */
const MAX_INSERTED = 100;
/** Where more tasks of a metered type may not begin now, the rest is made after this. */
const METERED_MS = 10_000;

export interface FlowListDeps extends NodeDeps {
  releases: Pick<
    ReleaseStore,
    'findSources' | 'insertItems' | 'markExpanded' | 'postpone' | 'end' | 'fail'
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
  // One that cannot run is made all the same, and failed by itself.
  if (!prepared) return { ...own, blocked_by: BLOCKED_BY.ready };
  const isLater = prepared.scheduled_at !== null && prepared.scheduled_at > now;
  return { ...own, ...prepared, status: isLater ? 'NEW' : 'PENDING' };
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
    const made = Map.groupBy(
      (await releases.findSources(lists)).filter(({ item }) => item !== null),
      ({ flow_id, node }) => `${flow_id} ${node}`,
    );
    const found = await readFlows(lists);
    const counted = lists.map((list) => {
      const rows = made.get(`${list.flow_id} ${list.node}`) ?? [];
      const count = (status: Task['status']): number =>
        rows.filter((row) => row.status === status).length;
      const [completed, failed, cancelled] = [
        count('COMPLETED'),
        count('FAILED'),
        count('CANCELLED'),
      ];
      return { list, result: { items: rows.length, completed, failed, cancelled } };
    });
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
  const findProblem = async (list: FlowTask, items: unknown): Promise<TaskError | null> => {
    if (!Array.isArray(items))
      return { code: 'not_a_list', message: `\`for_each\`: ${list.for_each} is not a list` };
    if (items.length > MAX_ITEMS)
      return {
        code: 'too_many_items',
        message: `\`for_each\`: ${list.for_each} has ${items.length} items, ${MAX_ITEMS} at most`,
      };
    const tasks = (await readFlows([list])).get(list.flow_id)?.tasks ?? 0;
    if (tasks + items.length <= MAX_FLOW_TASKS) return null;
    return {
      code: 'too_many_items',
      message: `A flow has ${MAX_FLOW_TASKS} tasks at most, and this one has ${tasks} already`,
    };
  };

  /**
   * Makes the tasks of a list node that are not there yet.
   * @returns them, and whether they are all
   */
  const makeItems = async (
    list: FlowTask,
    items: readonly unknown[],
    values: FlowValues,
  ): Promise<{ tasks: Task[]; isWhole: boolean }> => {
    const there = new Set(
      (await releases.findSources([list])).flatMap(({ item }) => (item === null ? [] : [item])),
    );
    const isMetered = catalog.find(list.owner, list.type)?.isMetered ?? false;
    const rows: Task[] = [];
    let isWhole = true;
    for (const [i, item] of items.entries()) {
      if (there.has(i)) continue;
      isWhole = !isMetered || (await tryConsume(list.owner));
      if (!isWhole) break;
      const prepared = prepareNode(list, fillTemplate(list, values, item), deps);
      rows.push(buildItem(list, i, 'error' in prepared ? null : prepared, now()));
    }
    const tasks: Task[] = [];
    const sizeOf = ({ params }: Task): number => params.length;
    for (const group of chunk(rows, { most: MAX_INSERTED, sizeOf, maxSize: MAX_GROUP_CHARS })) {
      const held = await releases.insertItems(group.map(encodeFlowTask));
      for (const task of group)
        if (held.has(task.id)) tasks.push({ ...task, held: held.get(task.id) ?? null });
    }
    return { tasks, isWhole };
  };

  return {
    end,

    /** Makes a task for each item. @param values null: they are too large */
    async expand(list: FlowTask, values: FlowValues | null): Promise<CommittedTask[]> {
      if (!values) return fail(list, TOO_LARGE);
      const items = values.readList(list);
      const problem = await findProblem(list, items);
      if (problem) return fail(list, problem);
      const all = items as unknown[];
      const { tasks, isWhole } = await makeItems(list, all, values);
      // Of those that cannot run the clock makes failures.
      if (tasks.some(({ held }) => held === 'flow')) await ensureAlarmBy(now());
      if (!isWhole) {
        await ensureAlarmBy(now() + METERED_MS);
        await releases.postpone([list], now() + METERED_MS);
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
