import type { Order } from '../../domain/filter.ts';
import { foldText } from '../../domain/text.ts';
import type { TaskUpdate } from '../live.ts';

/** A row of the list, and whether it changed, or came, before the reader's eyes. */
export interface ListRow {
  task: TaskUpdate;
  isChanged: boolean;
  isNew: boolean;
}

/** Whether a task belongs into a list with this filter; null when only the service can tell. */
export const matches = (task: TaskUpdate, query: URLSearchParams): boolean | null => {
  const isOne = (name: string, value: string): boolean =>
    query.getAll(name).length === 0 || query.getAll(name).includes(value);
  const named =
    isOne('status', task.status) &&
    isOne('type', task.type) &&
    isOne('priority', task.priority) &&
    isOne('queue', task.queue) &&
    (query.getAll('tag').length === 0 ||
      query.getAll('tag').some((tag) => task.tags.includes(tag)));
  if (!named) return false;
  const [after, before] = [query.get('submitted_after'), query.get('submitted_before')];
  if (
    (after !== null && task.submitted_at < after) ||
    (before !== null && task.submitted_at >= before)
  )
    return false;
  const error = query.get('error');
  if (error?.includes('…')) return null;
  if (error !== null && task.error?.message !== error) return false;
  if ([...query.keys()].some((name) => name.includes('.'))) return null;
  const text = foldText(
    [task.title, task.description, task.task_id, task.error?.message, ...task.tags].join('\n'),
  );
  const words = foldText(query.get('q') ?? '').split(/\s+/);
  // Parameters and results are no part of a frame.
  return words.every((word) => text.includes(word)) ? true : null;
};

/**
 * The rows after news: what is shown changes in place, what is new and fits comes at its place.
 * @param most rows that are shown
 */
export const applyUpdates = (
  rows: readonly ListRow[],
  news: readonly TaskUpdate[],
  query: URLSearchParams,
  most: number,
  order: Order = 'newest',
): ListRow[] => {
  const newest = new Map<string, TaskUpdate>();
  for (const task of news)
    if (task.version >= (newest.get(task.task_id)?.version ?? 0)) newest.set(task.task_id, task);
  const changed = rows.map((row) => {
    const task = newest.get(row.task.task_id);
    newest.delete(row.task.task_id);
    return task && task.version > row.task.version
      ? { task, isChanged: true, isNew: row.isNew }
      : row;
  });
  const last = rows.length >= most ? rows.at(-1)?.task.task_id : undefined;
  const isBefore = (id: string, other: string): boolean =>
    order === 'newest' ? id > other : id < other;
  const fresh = [...newest.values()].filter(
    (task) => (last === undefined || isBefore(task.task_id, last)) && matches(task, query) === true,
  );
  const all = [...fresh.map((task) => ({ task, isChanged: false, isNew: true })), ...changed];
  return all.toSorted((a, b) => (isBefore(a.task.task_id, b.task.task_id) ? -1 : 1)).slice(0, most);
};
