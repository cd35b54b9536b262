import { readFile } from 'node:fs/promises';
import type { NewTask, Priority } from '../client/index.ts';
import { isFinal } from '../domain/words.ts';
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

/** What keeps a task from running, or from being there twice. */
const readRules = (context: CommandContext): Partial<NewTask> => {
  const text = (name: string) => getText(context, name);
  const [limit, key, conflict, expires] = [
    text('limit'),
    text('unique-key'),
    text('on-conflict'),
    text('expires'),
  ];
  const slash = limit?.indexOf('/') ?? -1;
  const unique = {
    ...(key !== undefined && { key }),
    ...(conflict !== undefined && { on_conflict: conflict as 'return' }),
  };
  const isUnique = context.options['unique'] === true || key !== undefined;
  if (!isUnique && conflict !== undefined)
    throw new UsageError('--on-conflict goes with --unique or --unique-key');
  return {
    ...(limit !== undefined && {
      limit:
        slash < 0
          ? { key: limit }
          : { key: limit.slice(0, slash), sub_key: limit.slice(slash + 1) },
    }),
    ...(isUnique && { unique }),
    ...(expires !== undefined && { expires_in_seconds: parseSeconds('expires', expires) }),
  };
};

/** What is light runs at once for a submit that waits; what is not is watched from then on. */
const QUICK_SECONDS = 2;

export const submitCommand: Command = {
  usage: 'submit <type> [name=value …]',
  summary: 'Submit a task',
  help: `  name=value              a parameter; a value that is JSON is taken as such, a.b=1 is { "a": { "b": 1 } }
  --params <json>         all of them, or @file, or - for standard input
  --title, --tag          tag may be given several times
  --priority <word>       high, medium or low
  --in <length>, --at <time>   run it later: --in 5m, --at 2026-01-31T09:00:00Z
  --attempts <n>, --timeout <length>, --callback <url>, --key-once <text>
  --limit <key>[/<sub-key>]    run it under a limit: see tasker limits --help
  --unique                unless an unfinished task has its type and parameters
  --unique-key <text>     unless an unfinished task has the same key
  --on-conflict <word>    of these: return that task, refuse this one, or replace what that one is to do
  --expires <length>      cancel it unless it has begun by then
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
    limit: { type: 'string' },
    unique: { type: 'boolean' },
    'unique-key': { type: 'string' },
    'on-conflict': { type: 'string' },
    expires: { type: 'string' },
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
      ...readRules(context),
    } as NewTask;
    const key = text('key-once');
    const accepted = await tasker.submit(task, {
      ...(key !== undefined && { idempotencyKey: key }),
      ...(options['wait'] === true && { waitSeconds: QUICK_SECONDS }),
    });
    if (!options['wait'] && !options['watch']) {
      print(isJson ? JSON.stringify(accepted) : accepted.task_id);
      return 0;
    }
    const ended = options['watch']
      ? await followTask(context, accepted.task_id)
      : isFinal(accepted.status)
        ? await tasker.get(accepted.task_id)
        : await waitFor(context, accepted.task_id);
    printTask(context, ended);
    return toExitCode(ended);
  },
};
