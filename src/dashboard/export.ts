import { saveFile } from './save-file.ts';
import type { TaskView } from '../domain/view.ts';
import { get } from './api.ts';

/** A browser holds the file in memory: `tasker export` has no such bound. */
const MAX_TASKS = 50_000;
const PAGE_SIZE = 100;

const COLUMNS = [
  'task_id',
  'type',
  'status',
  'title',
  'priority',
  'queue',
  'attempt',
  'submitted_at',
  'started_at',
  'completed_at',
  'tags',
  'params',
  'result',
  'error',
] as const satisfies (keyof TaskView)[];

/** A field of CSV (RFC 4180). One that a spreadsheet would run as a formula is made a text. */
const toField = (value: unknown): string => {
  const text = typeof value === 'string' ? value : value === null ? '' : JSON.stringify(value);
  const safe = /^[=+\-@\t\r]/.test(text) && Number.isNaN(Number(text)) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
};

const toLine = (task: TaskView, format: 'ndjson' | 'csv'): string =>
  format === 'csv'
    ? COLUMNS.map((column) => toField(task[column])).join(',')
    : JSON.stringify(task);

/** Saves all tasks of a filter as a file. Returns how many there were. */
export const saveExport = async (
  filter: URLSearchParams,
  format: 'ndjson' | 'csv',
): Promise<string> => {
  const lines: string[] = format === 'csv' ? [COLUMNS.join(',')] : [];
  let count = 0;
  for (let cursor: string | null = ''; cursor !== null && count < MAX_TASKS;) {
    const query = new URLSearchParams(filter);
    query.set('page_size', String(PAGE_SIZE));
    query.set('cursor', cursor);
    const page: { tasks: TaskView[]; pagination: { next_cursor: string | null } } = await get(
      `/tasks?${query.toString()}`,
    );
    for (const task of page.tasks) lines.push(toLine(task, format));
    count += page.tasks.length;
    cursor = page.pagination.next_cursor;
  }
  saveFile(`tasks.${format}`, new Blob([`${lines.join('\n')}\n`], { type: 'text/plain' }));
  const isCut = count >= MAX_TASKS ? ', and no more: for the rest use tasker export' : '';
  return `${count} tasks exported${isCut}`;
};
