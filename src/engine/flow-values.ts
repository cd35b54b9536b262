import { chunk } from '../domain/chunk.ts';
import {
  BLOCKED_BY,
  isOfFlow,
  MAX_FILLED_BYTES,
  MAX_SOURCE_BYTES,
  type FlowTask,
} from '../domain/flow.ts';
import {
  describeReference,
  fillIn,
  findReferences,
  parseReference,
  readPath,
  type FlowReference,
} from '../domain/flow-references.ts';
import { parseJson } from '../domain/json.ts';
import type { Task, TaskError } from '../domain/task.ts';
import type { ReleaseStore, SourceRow } from '../store/releases.ts';

/** Results that one statement returns, unless a single one is longer. */
const MAX_TURN_BYTES = 1_500_000;

/** What names values of others: a node, or a task that a list node made. */
export type Template = FlowTask<
  Pick<Task, 'owner' | 'id' | 'flow_id' | 'node' | 'item' | 'for_each' | 'params'>
>;

/** The parameters with their values, or why there are none. */
export type Filled =
  | {
      params: unknown;
      bytes: number;
      /** References that had no value. */
      empty: string[];
    }
  | { error: TaskError };

const keyOf = ({ owner, flow_id }: Template, node: string): string => `${owner} ${flow_id} ${node}`;

const findNames = ({ params, for_each }: Template): string[] => {
  const references = findReferences(parseJson(params)).map(({ reference }) => reference);
  const all = [...references, for_each === null ? null : parseReference(for_each)];
  return [...new Set(all.flatMap((reference) => reference?.node ?? []))];
};

/** Whether a row's result is part of its node's value. */
const isRead = ({ item, for_each, status }: SourceRow): boolean =>
  status === 'COMPLETED' && (for_each === null || item !== null);
const sum = (rows: readonly SourceRow[]): number =>
  rows.filter(isRead).reduce((total, { bytes }) => total + bytes, 0);

/** The values of nodes, each parsed when it is first asked for. */
const createValues = (
  sources: ReadonlyMap<string, SourceRow[]>,
  results: ReadonlyMap<string, string | null>,
) => {
  const parsed = new Map<string, unknown>();
  const readResult = (row: SourceRow): unknown =>
    isRead(row) ? parseJson(results.get(row.id) ?? 'null') : null;
  /** Its result, or the list of what a list node's tasks returned; null for what did not complete. */
  const parse = (rows: readonly SourceRow[]): unknown => {
    const own = rows.find(({ item }) => item === null);
    if (!own || (own.for_each !== null && own.items === null)) return null;
    if (own.for_each === null) return readResult(own);
    const made = rows.filter(({ item }) => item !== null);
    return made.toSorted((a, b) => Number(a.item) - Number(b.item)).map(readResult);
  };
  const readNode = (task: Template, node: string): unknown => {
    const key = keyOf(task, node);
    if (!parsed.has(key)) parsed.set(key, parse(sources.get(key) ?? []));
    return parsed.get(key);
  };
  /** The list of a list node, or of one of its tasks. */
  const readList = (task: Template): unknown => {
    const reference = parseReference(task.for_each);
    return reference?.node ? readPath(readNode(task, reference.node), reference.path) : undefined;
  };
  return {
    readList,
    /** The item of a task that a list node made; undefined for others. */
    readItem(task: Template): unknown {
      const list = task.item === null ? undefined : readList(task);
      return Array.isArray(list) ? list[Number(task.item)] : undefined;
    },
    /** Undefined where there is none. @param item the one that is filled in */
    readReference(task: Template, { node, path }: FlowReference, item: unknown): unknown {
      return readPath(node === null ? item : readNode(task, node), path);
    },
  };
};
export type FlowValues = ReturnType<typeof createValues>;

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
export const createFlowValues = (releases: Pick<ReleaseStore, 'findSources' | 'readResults'>) => {
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

  /**
   * Tasks in groups, each with the values that it needs: what many need is read once for a group, and no
   * more than `MAX_SOURCE_BYTES` are held at a time. `values` is null for a task that needs more.
   */
  async function* readInGroups<Some extends Template>(
    tasks: readonly Some[],
  ): AsyncGenerator<{ tasks: Some[]; values: FlowValues | null }> {
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
      yield { tasks: group, values: createValues(sources, await readResults([...needed])) };
    }
  }

  const fillAtRun = async (task: Template): Promise<Filled> => {
    for await (const { values } of readInGroups([task])) {
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
        else whole.push({ ...task, params: JSON.stringify(filled.params) });
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
