import type { LogLevel, LogLine } from '../client/index.ts';
import { parseWhole, UsageError } from './arguments.ts';
import { getText, type Command, type CommandContext } from './context.ts';
import { clean, paint } from './format.ts';
import { resolveId } from './resolve-id.ts';
import { createSeen } from './seen.ts';

const LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];
const COLORS: Record<LogLevel, number> = { debug: 90, info: 36, warn: 33, error: 31 };

/** A line as somebody reads it; what it says cannot move the cursor. */
export const formatLine = ({ at, level, message, fields }: LogLine): string => {
  const said = message.split('\n').map(clean).join('\n  ');
  const pairs = Object.entries(fields ?? {}).map(([name, value]) =>
    paint(90, `${clean(name)}=${clean(typeof value === 'string' ? value : JSON.stringify(value))}`),
  );
  return [paint(90, at.slice(11, 23)), paint(COLORS[level], level.padEnd(5)), said, ...pairs].join(
    ' ',
  );
};

/** Prints lines of at least a level. */
const createPrinter = ({ isJson, print }: CommandContext, least: string) => {
  const rank = LEVELS.indexOf(least as LogLevel);
  if (rank < 0) throw new UsageError(`--level takes one of ${LEVELS.join(', ')}`);
  return (lines: readonly LogLine[]): void => {
    for (const line of lines)
      if (LEVELS.indexOf(line.level) >= rank)
        print(isJson ? JSON.stringify(line) : formatLine(line));
  };
};

export const logs: Command = {
  usage: 'logs <id> [-f]',
  summary: 'Show what a run wrote down; -f goes on until the task ends',
  help: `  -f, --follow            until the task ends
  --attempt <n>           of the newest that wrote something unless given
  --level <level>         debug, info, warn or error, and above`,
  options: {
    follow: { type: 'boolean', short: 'f' },
    attempt: { type: 'string' },
    level: { type: 'string' },
  },
  async run(context) {
    const { tasker, options, print, isJson, signal } = context;
    const printLines = createPrinter(context, getText(context, 'level') ?? 'debug');
    const id = await resolveId(context);
    const wanted = getText(context, 'attempt');
    const attempt = wanted === undefined ? {} : { attempt: parseWhole('attempt', wanted, 1, 1e9) };
    const stored = await tasker.logs(id, attempt);
    const seen = createSeen();
    printLines(seen.lines({ ...stored, attempt: stored.attempt ?? 0, first: 0 }));
    if (stored.cut > 0 && !isJson) print(paint(90, `… ${stored.cut} more lines were not kept`));
    if (options['follow'] !== true) {
      if (stored.lines.length === 0 && !isJson) print(paint(90, 'Nothing was written down'));
      return;
    }
    for await (const frame of tasker.watch(id, { signal }))
      if (frame.event === 'log') printLines(seen.lines(frame));
    // What came between two frames, or before the first, was stored at the end.
    const all = await tasker.logs(id);
    printLines(seen.lines({ ...all, attempt: all.attempt ?? 0, first: 0 }));
  },
};
