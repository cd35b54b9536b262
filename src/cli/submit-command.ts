import { readFile } from 'node:fs/promises';
import type { NewTask, Priority } from '../client/index.ts';
import { parsePairs, parseSeconds, parseSince, parseWhole, UsageError } from './arguments.ts';
import { getText, getTexts, type Command, type CommandContext } from './context.ts';
import { followTask, printTask, toExitCode, waitFor } from './follow.ts';

const readAll = async (stream: NodeJS.ReadStream): Promise<string> => {
  let text = '';
  for await (const chunk of stream) text += String(chunk);
  return text;
};

const readParams = async (context: CommandContext): Promise<Record<string, unknown>> => {
  const given = getText(context, 'params');
  const pairs = parsePairs(context.args.slice(1));
  if (given === undefined) return pairs;
  const text =
    given === '-'
      ? await readAll(process.stdin)
      : given.startsWith('@')
        ? await readFile(given.slice(1), 'utf8')
        : given;
  try {
    return { ...(JSON.parse(text) as object), ...pairs };
  } catch {
    throw new UsageError('--params takes a JSON object, @file, or - for standard input');
  }
};

export const submitCommand: Command = {
  usage: 'submit <type> [name=value …]',
  summary: 'Submit a task',
  help: `  name=value              a parameter; a value that is JSON is taken as such, a.b=1 is { "a": { "b": 1 } }
  --params <json>         all of them, or @file, or - for standard input
  --title, --tag          tag may be given several times
  --priority <word>       high, medium or low
  --in <length>, --at <time>   run it later: --in 5m, --at 2026-01-31T09:00:00Z
  --attempts <n>, --timeout <length>, --callback <url>, --key-once <text>
  --wait                  wait for its end, and print the task; exit code 1 if it failed
  --watch                 the same, with what happens meanwhile`,
  options: {
    params: { type: 'string' },
    title: { type: 'string' },
    tag: { type: 'string', multiple: true },
    priority: { type: 'string' },
    in: { type: 'string' },
    at: { type: 'string' },
    attempts: { type: 'string' },
    timeout: { type: 'string' },
    callback: { type: 'string' },
    'key-once': { type: 'string' },
    wait: { type: 'boolean' },
    watch: { type: 'boolean' },
  },
  async run(context) {
    const { tasker, args, options, isJson, print } = context;
    const [type] = args;
    if (type === undefined) throw new UsageError('Give a task type: tasker types lists them');
    const text = (name: string) => getText(context, name);
    const [delay, timeout, attempts, at] = [
      text('in'),
      text('timeout'),
      text('attempts'),
      text('at'),
    ];
    const task = {
      type,
      params: await readParams(context),
      ...(text('title') !== undefined && { title: text('title') }),
      ...(getTexts(context, 'tag') && { tags: getTexts(context, 'tag') }),
      ...(text('priority') !== undefined && {
        priority: text('priority')?.toUpperCase() as Priority,
      }),
      ...(delay !== undefined && { delay_seconds: parseSeconds('in', delay) }),
      ...(at !== undefined && { scheduled_at: new Date(parseSince('at', at)).toISOString() }),
      ...(attempts !== undefined && { max_attempts: parseWhole('attempts', attempts, 1, 25) }),
      ...(timeout !== undefined && { timeout_seconds: parseSeconds('timeout', timeout) }),
      ...(text('callback') !== undefined && { callback_url: text('callback') }),
    } as NewTask;
    const key = text('key-once');
    const accepted = await tasker.submit(task, key === undefined ? {} : { idempotencyKey: key });
    if (!options['wait'] && !options['watch']) {
      print(isJson ? JSON.stringify(accepted) : accepted.task_id);
      return 0;
    }
    const ended = options['watch']
      ? await followTask(context, accepted.task_id)
      : await waitFor(context, accepted.task_id);
    printTask(context, ended);
    return toExitCode(ended);
  },
};
