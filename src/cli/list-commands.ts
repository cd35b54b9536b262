import type { ListOptions, Status, TaskView } from '../client/index.ts';
import { parseSince, parseWhole, UsageError } from './arguments.ts';
import { getText, getTexts, type Command, type CommandContext } from './context.ts';
import { openOutput } from './body-commands.ts';
import { formatTable, toRow } from './format.ts';

const FILTERS = {
  status: { type: 'string', multiple: true },
  type: { type: 'string', multiple: true },
  tag: { type: 'string', multiple: true },
  queue: { type: 'string', multiple: true },
  since: { type: 'string' },
  until: { type: 'string' },
  query: { type: 'string', short: 'q' },
  where: { type: 'string', multiple: true },
} as const satisfies Command['options'];

const FILTER_HELP = `  --status, --type, --tag, --queue   may each be given several times
  --since <time>, --until <time>     submitted then: 1d, 2026-01-31
  -q <text>                          an id, an order number, or words
  --where params.city=Lisbon         a value inside`;

const readFilters = (context: CommandContext): ListOptions => {
  const [since, until, q] = ['since', 'until', 'query'].map((name) => getText(context, name));
  const where = (getTexts(context, 'where') ?? []).map((pair) => {
    const at = pair.indexOf('=');
    if (at < 1)
      throw new UsageError('--where takes params.<path>=<value> or result.<path>=<value>');
    return [pair.slice(0, at), pair.slice(at + 1)];
  });
  const list = (name: string) => getTexts(context, name);
  return {
    ...(list('status') && { status: list('status') as Status[] }),
    ...(list('type') && { type: list('type') as string[] }),
    ...(list('tag') && { tag: list('tag') as string[] }),
    ...(list('queue') && { queue: list('queue') as string[] }),
    ...(since !== undefined && { submittedAfter: parseSince('since', since) }),
    ...(until !== undefined && { submittedBefore: parseSince('until', until) }),
    ...(q !== undefined && { q }),
    fields: Object.fromEntries(where) as NonNullable<ListOptions['fields']>,
  };
};

export const listTasks: Command = {
  usage: 'list',
  summary: 'List tasks, newest first unless told',
  help: `${FILTER_HELP}
  --limit <n>                        20 unless given
  --oldest                           oldest first`,
  options: { ...FILTERS, limit: { type: 'string' }, oldest: { type: 'boolean' } },
  async run(context) {
    const { tasker, isJson, print } = context;
    const limit = parseWhole('limit', getText(context, 'limit') ?? '20', 1, 1_000_000);
    const order: ListOptions['order'] = context.options.oldest === true ? 'oldest' : 'newest';
    const filters = { ...readFilters(context), order, pageSize: Math.min(limit, 100) };
    const rows: Record<string, string>[] = [];
    let count = 0;
    for await (const task of tasker.list(filters)) {
      if (isJson) print(JSON.stringify(task));
      else rows.push(toRow(task));
      count += 1;
      if (count >= limit) break;
    }
    if (isJson) return;
    print(rows.length === 0 ? 'There is no such task' : formatTable(rows));
  },
};

const CSV_COLUMNS = [
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
const toCsvField = (value: unknown): string => {
  const text = typeof value === 'string' ? value : value === null ? '' : JSON.stringify(value);
  const safe = /^[=+\-@\t\r]/.test(text) && Number.isNaN(Number(text)) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
};

export const exportTasks: Command = {
  usage: 'export',
  summary: 'Write all tasks of a filter, as lines of JSON or CSV',
  help: `${FILTER_HELP}
  --format ndjson|csv, --to <file>
  Lines of JSON have all of a task, whatever its size: tasker restore puts them back.`,
  options: { ...FILTERS, format: { type: 'string' }, to: { type: 'string' } },
  async run(context) {
    const format = getText(context, 'format') ?? 'ndjson';
    if (format !== 'ndjson' && format !== 'csv')
      throw new UsageError('--format takes ndjson or csv');
    const out = openOutput(getText(context, 'to'));
    const filters = readFilters(context);
    if (format === 'ndjson')
      for await (const line of context.tasker.exportTasks(filters)) {
        await out.write(line);
        await out.write('\n');
      }
    else {
      await out.write(`${CSV_COLUMNS.join(',')}\n`);
      for await (const task of context.tasker.list(filters))
        await out.write(`${CSV_COLUMNS.map((column) => toCsvField(task[column])).join(',')}\n`);
    }
    await out.end();
  },
};
