import { measureDepth } from './json.ts';

// The log of a run: what it says for its owner, bounded whatever it says.

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** One line of a run's log. `at` in ms. */
export interface LogLine {
  at: number;
  level: LogLevel;
  message: string;
  /** What else it says, by name; null for nothing. */
  fields: Record<string, unknown> | null;
}

/** Lines of one attempt that follow each other; `first` is the place of the first of them. */
export interface LogPart {
  first: number;
  lines: LogLine[];
}

/** What an attempt may keep; the oldest lines are kept. Bytes of JSON. */
export const MAX_LOG_LINES = 1_000;
export const MAX_LOG_BYTES = 65_536;

/** UTF-16 units. */
const MAX_MESSAGE_CHARS = 8_192;
const MAX_FIELDS_CHARS = 4_096;
const MAX_FIELDS = 50;
const MAX_DEPTH = 16;

/** Controls would move the cursor of whoever reads it on a terminal; line ends and tabs stay. */
// oxlint-disable-next-line no-control-regex -- these are what is taken out.
const CONTROLS = /[\u0000-\u0008\u000B-\u001F\u007F-\u009F\u200E\u200F\u202A-\u202E\u2066-\u2069]/g;

/** A text as a log keeps it: cut, well-formed and without controls. */
const toLogText = (text: string, most = MAX_MESSAGE_CHARS): string => {
  const isLong = text.length > most;
  const kept = isLong ? `${text.slice(0, most)}…` : text;
  return kept.replaceAll('\r\n', '\n').replaceAll(CONTROLS, '').toWellFormed();
};

/** A value as JSON has it, without looking far into what is large. */
const toField = (value: unknown): unknown => {
  if (typeof value === 'string') return toLogText(value, MAX_FIELDS_CHARS);
  if (typeof value === 'number' || typeof value === 'boolean' || value === null) return value;
  try {
    const text = value instanceof Error ? value.message : JSON.stringify(value);
    if (text === undefined) return `a ${typeof value}`;
    const clean = toLogText(text, MAX_FIELDS_CHARS);
    // What is nested deeply the database would not take.
    const isKept = clean === text && !(value instanceof Error) && measureDepth(text) <= MAX_DEPTH;
    return isKept ? (JSON.parse(text) as unknown) : clean;
  } catch {
    return 'a value that JSON cannot say';
  }
};

const toFields = (given: object): Record<string, unknown> => {
  const fields: Record<string, unknown> = {};
  let left = MAX_FIELDS_CHARS;
  for (const [name, value] of Object.entries(given).slice(0, MAX_FIELDS)) {
    const field = toField(value);
    left -= name.length + (JSON.stringify(field)?.length ?? 0);
    if (left < 0) return { ...fields, cut: true };
    fields[toLogText(name, 100)] = field;
  }
  return fields;
};

/** Anything can be said: also what throws when it is looked at. */
const toMessage = (message: unknown): string => {
  try {
    return String(message);
  } catch {
    return 'A message that cannot be shown';
  }
};

/** Anything that a run says, as a line. */
export const toLogLine = (
  level: LogLevel,
  message: unknown,
  given: unknown,
  at: number,
): LogLine => ({
  at,
  level,
  message: toLogText(toMessage(message)),
  fields: typeof given === 'object' && given !== null ? toFields(given) : null,
});

const encoder = new TextEncoder();

/** How much of an attempt's log there is, and what still fits. */
export const createLogBudget = (used = { lines: 0, bytes: 0 }) => {
  let { lines, bytes } = used;
  return {
    /** Whether it fits; what does not fit ends the log. */
    take(line: LogLine): boolean {
      if (lines >= MAX_LOG_LINES || bytes >= MAX_LOG_BYTES) return false;
      const size = encoder.encode(JSON.stringify(line)).byteLength + 1;
      if (bytes + size > MAX_LOG_BYTES) {
        bytes = MAX_LOG_BYTES;
        return false;
      }
      lines += 1;
      bytes += size;
      return true;
    },
    get isFull() {
      return lines >= MAX_LOG_LINES || bytes >= MAX_LOG_BYTES;
    },
  };
};

/** A line as text: for terminals and `text/plain`. */
export const formatLogLine = ({
  at,
  level,
  message,
  fields,
}: Omit<LogLine, 'at'> & { at: number | string }): string => {
  const pairs = Object.entries(fields ?? {}).map(
    ([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  return [new Date(at).toISOString(), level.toUpperCase().padEnd(5), message, ...pairs].join(' ');
};
