import type { FlowTask } from '../domain/flow.ts';
import { parseReference, readPath, type FlowReference } from '../domain/flow-references.ts';
import { parseJson } from '../domain/json.ts';
import type { Task } from '../domain/task.ts';
import type { SourceRow } from '../store/releases.ts';

/** What names values of others: a node, or a task that a list node made. */
export type Template = FlowTask<
  Pick<Task, 'owner' | 'id' | 'flow_id' | 'node' | 'item' | 'for_each' | 'params'>
>;

export const keyOf = ({ owner, flow_id }: Template, node: string): string =>
  `${owner} ${flow_id} ${node}`;

/** Whether a row's result is part of its node's value. */
export const isRead = ({ item, for_each, status }: SourceRow): boolean =>
  status === 'COMPLETED' && (for_each === null || item !== null);

/** The values of nodes, each parsed when it is first asked for. */
export const createNodeValues = (
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
export type FlowValues = ReturnType<typeof createNodeValues>;
