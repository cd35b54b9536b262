import { toBodyText } from '../domain/body.ts';
import { chunk } from '../domain/chunk.ts';
import {
  BLOCKED_BY,
  IN_LIST,
  isOfFlow,
  MAX_FILLED_BYTES,
  MAX_SOURCE_BYTES,
} from '../domain/flow.ts';
import {
  describeReference,
  fillIn,
  findReferences,
  parseReference,
} from '../domain/flow-references.ts';
import { parseJson } from '../domain/json.ts';
import type { Task, TaskError } from '../domain/task.ts';
import type { ReleaseStore, SourceRow } from '../store/releases.ts';
import { createNodeValues, isRead, keyOf, type FlowValues, type Template } from './node-values.ts';

/** Results that one statement returns, unless a single one is longer. */
const MAX_TURN_BYTES = 1_500_000;

/** The parameters with their values, or why there are none. */
export type Filled =
  | {
      params: unknown;
      bytes: number;
      /** References that had no value. */
      empty: string[];
    }
  | { error: TaskError };

const findNames = ({ params, for_each }: Template): string[] => {
  const references = findReferences(parseJson(params)).map(({ reference }) => reference);
  const all = [...references, for_each === null ? null : parseReference(for_each)];
  return [...new Set(all.flatMap((reference) => reference?.node ?? []))];
};

const sum = (rows: readonly SourceRow[]): number =>
  rows.filter(isRead).reduce((total, { bytes }) => total + bytes, 0);

/** Puts values into the parameters of a task. @param item its item, of one that a list node makes */
export const fillTemplate = (task: Template, values: FlowValues, item?: unknown): Filled => {
  const empty: string[] = [];
  const params = fillIn(parseJson(task.params), (reference) => {
    const value = values.readReference(task, reference, item);
    if ((value ?? null) === null) empty.push(describeReference(reference));
    return value;
  });
  const bytes = new TextEncoder().encode(JSON.stringify(params)).byteLength;
  if (bytes <= MAX_FILLED_BYTES) return { params, bytes, empty };
  const message = `Its parameters have ${bytes} bytes with their values, ${MAX_FILLED_BYTES} at most: name what you need of them`;
  return { error: { code: 'params_too_large', message } };
};

/** Reads what nodes returned, for the parameters of others. */
export const createFlowValues = (
  releases: Pick<ReleaseStore, 'findSources' | 'readResults' | 'readTemplate'>,
) => {
  const findSources = async (tasks: readonly Template[]): Promise<Map<string, SourceRow[]>> => {
    const wanted = new Map(
      tasks.flatMap((task) =>
        findNames(task).map((node) => {
          const { owner, flow_id } = task;
          return [keyOf(task, node), { owner, flow_id, node }] as const;
        }),
      ),
    );
    if (wanted.size === 0) return new Map();
    const found = await releases.findSources([...wanted.values()]);
    return Map.groupBy(found, ({ owner, flow_id, node }) => `${owner} ${flow_id} ${node}`);
  };

  const readResults = async (rows: readonly SourceRow[]): Promise<Map<string, string | null>> => {
    const results = new Map(rows.map(({ id, result }) => [id, result]));
    const options = { sizeOf: ({ bytes }: SourceRow) => bytes, maxSize: MAX_TURN_BYTES };
    for (const group of chunk(
      rows.filter((row) => isRead(row) && row.result === null),
      options,
    ))
      for (const [id, result] of await releases.readResults(group)) results.set(id, result);
    return results;
  };

  /** Where a list node keeps the parameters of its tasks, they are put in; once for all of them. */
  const addTemplates = async <Some extends Template>(tasks: readonly Some[]): Promise<Some[]> => {
    const found = new Map<string, string>();
    const whole: Some[] = [];
    for (const task of tasks) {
      const isInList = task.item !== null && task.params === IN_LIST;
      const key = keyOf(task, task.node);
      if (isInList && !found.has(key))
        found.set(key, (await releases.readTemplate(task)) ?? IN_LIST);
      whole.push(isInList ? { ...task, params: found.get(key) ?? IN_LIST } : task);
    }
    return whole;
  };

  /**
   * Tasks in groups, each with the values that it needs: what many need is read once for a group, and no
   * more than `MAX_SOURCE_BYTES` are held at a time. `values` is null for a task that needs more.
   */
  async function* readInGroups<Some extends Template>(
    given: readonly Some[],
  ): AsyncGenerator<{ tasks: Some[]; values: FlowValues | null }> {
    const tasks = await addTemplates(given);
    const sources = await findSources(tasks);
    const rowsOf = (task: Template): SourceRow[] =>
      findNames(task).flatMap((node) => sources.get(keyOf(task, node)) ?? []);
    const isTooLarge = (task: Template): boolean => sum(rowsOf(task)) > MAX_SOURCE_BYTES;
    const tooLarge = tasks.filter(isTooLarge);
    if (tooLarge.length > 0) yield { tasks: tooLarge, values: null };
    const left = tasks.filter((task) => !isTooLarge(task));
    while (left.length > 0) {
      const group: Some[] = [];
      const needed = new Set<SourceRow>();
      for (const task of left) {
        const more = new Set([...needed, ...rowsOf(task)]);
        if (group.length > 0 && sum([...more]) > MAX_SOURCE_BYTES) break;
        for (const row of more) needed.add(row);
        group.push(task);
      }
      left.splice(0, group.length);
      yield { tasks: group, values: createNodeValues(sources, await readResults([...needed])) };
    }
  }

  const fillAtRun = async (given: Template): Promise<Filled> => {
    for await (const { tasks, values } of readInGroups([given])) {
      const [task = given] = tasks;
      if (!values) break;
      return fillTemplate(task, values, values.readItem(task));
    }
    return { error: TOO_LARGE };
  };

  return {
    readInGroups,

    /** The parameters of a task that is about to run, whose values were too large to be copied. */
    fillAtRun,

    /** The same for tasks that a worker has leased; with those that cannot have their values. */
    async fillLeased(
      tasks: readonly Task[],
    ): Promise<{ whole: Task[]; failed: { task: Task; error: TaskError }[] }> {
      const whole: Task[] = [];
      const failed: { task: Task; error: TaskError }[] = [];
      for (const task of tasks) {
        const isLeft = task.blocked_by === BLOCKED_BY.atRun && isOfFlow(task);
        const filled = isLeft ? await fillAtRun(task) : null;
        if (!filled) whole.push(task);
        else if ('error' in filled) failed.push({ task, error: filled.error });
        else whole.push({ ...task, params: toBodyText(filled.params) });
      }
      return { whole, failed };
    },
  };
};

export const TOO_LARGE: TaskError = {
  code: 'values_too_large',
  message: `The results that it names have more than ${MAX_SOURCE_BYTES} bytes`,
};

export type ReadFlowValues = ReturnType<typeof createFlowValues>;
