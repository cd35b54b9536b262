import type { Status, TaskSummary, TaskView } from '../client/types.ts';
import { toShortId } from '../domain/identifiers.ts';

// What people read on a terminal. Texts of tasks come from anybody: nothing in them moves the cursor.

const COLORS: Record<Status, number> = {
  NEW: 36,
  PENDING: 33,
  IN_PROGRESS: 34,
  PAUSED: 35,
  COMPLETED: 32,
  FAILED: 31,
  CANCELLED: 90,
};

const hasColor = (): boolean =>
  process.env['NO_COLOR'] === undefined &&
  (process.stdout.isTTY || process.env['FORCE_COLOR'] !== undefined);

export const paint = (code: number, text: string): string =>
  hasColor() ? `\u001b[${code}m${text}\u001b[0m` : text;

/** A text of others, on one line and without controls. */
export const clean = (text: string): string =>
  text.replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, ' ');

export const formatStatus = (status: Status, width = 0): string =>
  paint(COLORS[status], status.toLowerCase().replace('_', ' ').padEnd(width));

const UNITS = [
  [86_400, 'd'],
  [3_600, 'h'],
  [60, 'm'],
  [1, 's'],
] as const;

/** `350 ms`, `12 s`, `3 m`, `5 h`. */
export const formatSeconds = (seconds: number): string => {
  if (seconds < 1) return `${Math.round(seconds * 1_000)} ms`;
  const [size, unit] = UNITS.find(([each]) => seconds >= each) ?? [1, 's'];
  const n = seconds / size;
  return `${n < 10 && unit === 's' ? Number(n.toFixed(1)) : Math.floor(n)} ${unit}`;
};

export const toAge = (iso: string, now = Date.now()): string => {
  const seconds = (now - Date.parse(iso)) / 1_000;
  return seconds < 0 ? `in ${formatSeconds(-seconds)}` : `${formatSeconds(seconds)} ago`;
};

/** Rows as columns of equal width, under their names. */
export const formatTable = (rows: readonly Record<string, string>[]): string => {
  const names = Object.keys(rows[0] ?? {});
  // oxlint-disable-next-line no-control-regex -- colours take no room.
  const lengthOf = (text: string): number => text.replaceAll(/\u001b\[\d+m/g, '').length;
  const widths = names.map((name) =>
    Math.max(name.length, ...rows.map((row) => lengthOf(row[name] ?? ''))),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => cell + ' '.repeat(Math.max(0, (widths[i] ?? 0) - lengthOf(cell))))
      .join('  ')
      .trimEnd();
  const head = line(names.map((name) => name.toUpperCase()));
  return [paint(2, head), ...rows.map((row) => line(names.map((name) => row[name] ?? '')))].join(
    '\n',
  );
};

const measure = ({ started_at, completed_at }: TaskSummary): string =>
  started_at === null
    ? ''
    : formatSeconds(
        (Date.parse(completed_at ?? new Date().toISOString()) - Date.parse(started_at)) / 1_000,
      );

/** A task as a line of a list. */
export const toRow = (task: TaskSummary): Record<string, string> => ({
  id: toShortId(task.task_id),
  status: formatStatus(task.status),
  type: clean(task.type),
  title: clean(task.title ?? '').slice(0, 40),
  submitted: toAge(task.submitted_at),
  took: measure(task),
  error: clean(task.error?.message ?? '').slice(0, 60),
});

/** A task as somebody reads it who looks at it alone. */
export const formatTask = (
  task: TaskView & { waiting_for?: { message: string } | null },
): string => {
  const facts: [string, string | null][] = [
    ['id', task.task_id],
    ['type', task.type],
    ['title', task.title],
    ['status', formatStatus(task.status)],
    ['waits', task.waiting_for?.message ?? null],
    ['attempt', `${task.attempt} of ${task.max_attempts}`],
    ['queue', task.queue],
    ['tags', task.tags.join(', ') || null],
    ['submitted', `${task.submitted_at} (${toAge(task.submitted_at)})`],
    ['took', measure(task) || null],
    ['error', task.error && `${task.error.message} [${task.error.code}]`],
    ['params', JSON.stringify(task.params)],
    ['result', task.result === null ? null : JSON.stringify(task.result)],
  ];
  return facts
    .filter(([, value]) => value !== null)
    .map(
      ([name, value]) =>
        `${paint(2, name.padEnd(10))} ${name === 'status' ? value : clean(value ?? '')}`,
    )
    .join('\n');
};

/** How far a task is, as a bar. */
export const formatProgress = (fraction: number, note: string | null): string => {
  const width = 20;
  const full = Math.round(fraction * width);
  return `${'█'.repeat(full)}${'░'.repeat(width - full)} ${Math.round(fraction * 100)} % ${clean(note ?? '')}`.trimEnd();
};
