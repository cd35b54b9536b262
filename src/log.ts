/** JSON lines with bound fields. The only place that touches `console`. */

const LEVELS = ['debug', 'info', 'warn', 'error'] as const;
type LogLevel = (typeof LEVELS)[number];

/** Never parameters, results, keys, query strings: what is logged is named at the call, field by field. */
export type LogFields = Record<string, string | number | boolean | null | undefined>;

export interface Logger {
  debug(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
  /** The same logger with more bound fields. */
  with(fields: LogFields): Logger;
}

export interface LogOptions {
  level: LogLevel;
  /** `false` prints lines for people instead. */
  json: boolean;
  fields?: LogFields;
}

const pretty = (level: LogLevel, event: string, fields: LogFields): string => {
  const pairs = Object.entries(fields).filter(([key, value]) => value !== undefined && key !== 'app' && key !== 'env');
  return [level.toUpperCase().padEnd(5), event, ...pairs.map(([key, value]) => `${key}=${String(value)}`)].join(' ');
};

export const createLogger = ({ level, json, fields: bound = {} }: LogOptions): Logger => {
  const write = (at: LogLevel, event: string, fields: LogFields = {}): void => {
    if (LEVELS.indexOf(at) < LEVELS.indexOf(level)) return;
    const line = json
      ? JSON.stringify({ timestamp: new Date().toISOString(), level: at, event, ...bound, ...fields })
      : pretty(at, event, { ...bound, ...fields });
    // console.log for every level: wrangler decorates console.error and would break the JSON lines.
    console.log(line);
  };
  return {
    debug: (event, fields) => write('debug', event, fields),
    info: (event, fields) => write('info', event, fields),
    warn: (event, fields) => write('warn', event, fields),
    error: (event, fields) => write('error', event, fields),
    with: (fields) => createLogger({ level, json, fields: { ...bound, ...fields } }),
  };
};
