import { toShortId } from '../src/domain/identifiers.ts';

// The service's log, as people read it on a terminal: the clock, what happened, to which task.

const COLORS: Record<string, number> = { error: 31, warn: 33, info: 0, debug: 90 };
const STATUS_COLORS: Record<string, number> = {
  COMPLETED: 32,
  FAILED: 31,
  CANCELLED: 90,
  IN_PROGRESS: 34,
  PENDING: 33,
};
/** Fields that say nothing to somebody who watches one machine. */
const HIDDEN = new Set([
  'timestamp',
  'level',
  'event',
  'app',
  'env',
  'request_id',
  'route',
  'owner',
]);

const paint = (code: number, text: string): string =>
  code === 0 ? text : `\u001b[${code}m${text}\u001b[0m`;
const clean = (text: string): string => text.replaceAll(/[\p{Cc}\p{Cf}]+/gu, ' ');

const formatField = ([name, value]: [string, unknown]): string => {
  const text = clean(typeof value === 'string' ? value : JSON.stringify(value));
  if (name === 'task_id') return paint(36, toShortId(text));
  if (name === 'status') return paint(STATUS_COLORS[text] ?? (Number(text) >= 500 ? 31 : 0), text);
  if (name === 'duration_ms') return `${text} ms`;
  if (name === 'method' || name === 'task_name') return text;
  return `${paint(90, name)} ${text}`;
};

/** A line of the log for people; any other line as it is. */
export const formatLogLine = (line: string): string => {
  if (!line.startsWith('{"timestamp"')) return line;
  try {
    const fields = JSON.parse(line) as Record<string, unknown>;
    const { timestamp, level = 'info', event = '' } = fields as Record<string, string>;
    const clock = new Date(timestamp ?? '').toLocaleTimeString('en-GB');
    const rest = Object.entries(fields)
      .filter(([name, value]) => !HIDDEN.has(name) && value !== null)
      .map(formatField);
    return [paint(90, clock), paint(COLORS[level] ?? 0, event.replaceAll('_', ' ')), ...rest].join(
      '  ',
    );
  } catch {
    return line;
  }
};
