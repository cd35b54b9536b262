/** JSON lines with bound fields. The only place that touches `console`. */

const LEVELS = ['debug', 'info', 'warn', 'error'] as const;
type LogLevel = (typeof LEVELS)[number];

/**
 * All that a line may say. Never parameters, results, keys, tickets, query strings: a field that is
 * not here does not compile, and is not printed.
 */
const FIELDS = [
  'app',
  'env',
  'request_id',
  'task_id',
  'task_name',
  'owner',
  'attempt',
  'method',
  'route',
  'status',
  'duration_ms',
  'error',
  'failure',
  'reason',
  'tasks',
  'limits',
  'deliveries',
  'delivery',
  'sink',
  'listener',
  'tries',
  'queue',
  'check',
  'cache',
  'operation',
  'failures',
  'replayed',
  'bytes',
  'bodies',
  'shard',
  'key_id',
  'subject',
  'schedule_id',
  'flow_id',
  'flows',
  'code',
  'dispatched',
  'rescued',
  'lost',
  'resent',
  'parked',
  'unparked',
  'timed_out',
  'expired',
  'unbegun',
  'task_ids',
  'max_duration_ms',
] as const;
type LogField = (typeof FIELDS)[number];
export type LogFields = Partial<Record<LogField, string | number | boolean | null | undefined>>;

const ALLOWED: ReadonlySet<string> = new Set(FIELDS);
const keepKnown = (fields: LogFields): LogFields =>
  Object.fromEntries(Object.entries(fields).filter(([name]) => ALLOWED.has(name)));

export interface Logger {
  debug(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
  /** Whether such lines are printed: to make what goes into many of them may not be worth it. */
  has(level: LogLevel): boolean;
  /** The same logger with more bound fields. */
  with(fields: LogFields): Logger;
}

export interface LogOptions {
  level: LogLevel;
  /** `false` prints lines for people instead. */
  json: boolean;
  fields?: LogFields;
}

/** One line, without what a terminal would act on. */
const escapeText = (text: string): string =>
  JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"');

const formatLine = (level: LogLevel, event: string, fields: LogFields): string => {
  const pairs = Object.entries(fields).filter(
    ([key, value]) => value !== undefined && key !== 'app' && key !== 'env',
  );
  return [
    level.toUpperCase().padEnd(5),
    event,
    ...pairs.map(([key, value]) => `${key}=${escapeText(String(value))}`),
  ].join(' ');
};

const ignore = (): void => {};

export const createLogger = ({ level, json, fields: bound = {} }: LogOptions): Logger => {
  const write = (at: LogLevel, event: string, fields: LogFields = {}): void => {
    const line = json
      ? JSON.stringify({
          timestamp: new Date().toISOString(),
          level: at,
          event,
          ...keepKnown({ ...bound, ...fields }),
        })
      : formatLine(at, event, keepKnown({ ...bound, ...fields }));
    // console.log for every level: wrangler decorates console.error and would break the JSON lines.
    console.log(line);
  };
  const has = (at: LogLevel): boolean => LEVELS.indexOf(at) >= LEVELS.indexOf(level);
  const writer = (at: LogLevel): Logger['debug'] =>
    has(at) ? (event, fields) => write(at, event, fields) : ignore;
  return {
    debug: writer('debug'),
    info: writer('info'),
    warn: writer('warn'),
    error: writer('error'),
    has,
    with: (fields) => createLogger({ level, json, fields: { ...bound, ...fields } }),
  };
};
