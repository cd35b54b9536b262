import type { Every, NewSchedule, ScheduleDetail, ScheduleMoment } from '../client/index.ts';
import { parsePairs, parseSeconds, parseSince, parseWhole, UsageError } from './arguments.ts';
import { getText, getTexts, printRows, type Command, type CommandContext } from './context.ts';
import { clean, toAge } from './format.ts';

const HELP = `  add <name> <type> [param=value …] --cron "30 2 * * *" | --every 15m
  edit <name> [--cron …] [--every …]     change it; with a type and its parameters, the whole task
  show <name>, next <name>               how it stands, when it fires next
  run <name>                             submit its task now
  backfill <name> --from <time> [--to <time>] [--dry-run]
  pause <name>, resume <name>, delete <name>
  preview --cron … | --every …           when it would fire

  --timezone <zone>       of the cron: Europe/Berlin; UTC unless given
  --overlap <word>        allow, skip, cancel_previous or queue_one
  --catch-up <word>       none, latest or all of what was missed
  --title, --tag          of its tasks; {{scheduled_for}} becomes the moment
  --count <n>             of next and preview; 10 unless given`;

/** `15m` as `{ seconds: 900 }`. */
const readEvery = (text: string): Every => ({ seconds: parseSeconds('every', text) });

const readRecurrence = (context: CommandContext): Partial<NewSchedule> => {
  const [cron, every, timezone] = ['cron', 'every', 'timezone'].map((name) =>
    getText(context, name),
  );
  return {
    ...(cron !== undefined && { cron }),
    ...(every !== undefined && { every: readEvery(every) }),
    ...(timezone !== undefined && { timezone }),
  };
};

/** What was said of a schedule, its task where a type was named. */
const readChange = (context: CommandContext): Partial<NewSchedule> => {
  const [, , type, ...pairs] = context.args;
  const [overlap, catchUp, title] = ['overlap', 'catch-up', 'title'].map((name) =>
    getText(context, name),
  );
  const tags = getTexts(context, 'tag');
  if (type === undefined && (title !== undefined || tags))
    throw new UsageError('--title and --tag are of a task: name its type, too');
  const task = {
    type,
    params: parsePairs(pairs),
    ...(title !== undefined && { title }),
    ...(tags && { tags }),
  };
  return {
    ...readRecurrence(context),
    ...(overlap !== undefined && { overlap: overlap as NonNullable<NewSchedule['overlap']> }),
    ...(catchUp !== undefined && { catch_up: catchUp as NonNullable<NewSchedule['catch_up']> }),
    ...(type !== undefined && { task: task as NewSchedule['task'] }),
  };
};

const readCount = (context: CommandContext): number =>
  parseWhole('count', getText(context, 'count') ?? '10', 1, 100);

const printMoments = (
  { isJson, print }: CommandContext,
  answer: { words: string; next: ScheduleMoment[] },
): void => {
  if (isJson) return print(JSON.stringify(answer));
  print(answer.words);
  for (const { at, local } of answer.next) print(`  ${local}   ${at}`);
};

const toRow = (schedule: ScheduleDetail): Record<string, string> => {
  const [last] = schedule.recent;
  return {
    name: schedule.name,
    when: `${clean(schedule.words)}${schedule.timezone === 'UTC' ? '' : ` (${schedule.timezone})`}`,
    next: schedule.next?.local.slice(0, 16).replace('T', ' ') ?? schedule.status,
    last: last ? `${last.status.toLowerCase()} ${toAge(last.submitted_at)}` : '',
    problem: clean(schedule.last_error?.message ?? '').slice(0, 60),
  };
};

const list = async (context: CommandContext): Promise<void> => {
  const all: ScheduleDetail[] = [];
  for await (const schedule of context.tasker.schedules.list()) all.push(schedule);
  printRows(context, all, all.map(toRow), 'There are no schedules; tasker schedules --help');
};

const show = async (context: CommandContext, name: string): Promise<void> => {
  const { tasker, isJson, print } = context;
  const got = await tasker.schedules.get(name);
  if (isJson) return print(JSON.stringify(got));
  const { words, timezone, overlap, catch_up, last_error: error, missed } = got;
  print(`${got.name}  ${got.status}  ${got.schedule_id}`);
  print(`  ${clean(words)}, ${timezone}; overlap ${overlap}, catch up ${catch_up}`);
  print(`  task ${clean(JSON.stringify(got.task))}`);
  print(`  ${got.fired} fired, ${got.skipped} skipped, ${got.refused} refused`);
  if (got.next) print(`  next ${got.next.local}`);
  if (missed) print(`  missed from ${missed.from} until ${missed.until}`);
  if (error) print(`  ${error.at} ${error.code}: ${clean(error.message)}`);
  for (const task of got.recent.slice(0, 10))
    print(`  ${task.scheduled_for ?? 'by hand'.padEnd(24)}  ${task.status}  ${task.task_id}`);
};

const backfill = async (context: CommandContext, name: string): Promise<void> => {
  const { tasker, isJson, print } = context;
  const from = getText(context, 'from');
  if (from === undefined) throw new UsageError('Say from when: --from 2026-01-31, or --from 1d');
  const to = getText(context, 'to');
  const dryRun = context.options['dry-run'] === true;
  const range = {
    from: parseSince('from', from),
    ...(to !== undefined && { to: parseSince('to', to) }),
  };
  const done = await tasker.schedules.backfill(name, { ...range, dryRun });
  if (isJson) return print(JSON.stringify(done));
  for (const { at, task_id } of done.moments) print(`  ${at}  ${task_id ?? 'would be new'}`);
  print(
    `${done.submitted} ${dryRun ? 'would be submitted' : 'submitted'}, ${done.existing} were there`,
  );
};

/** A command that answers with a line, or with JSON. */
const say =
  (
    act: (context: CommandContext, name: string) => Promise<unknown>,
    line: (name: string, answer: unknown) => string,
  ) =>
  async (context: CommandContext, name: string): Promise<void> => {
    const answer = await act(context, name);
    context.print(context.isJson ? JSON.stringify(answer ?? { name }) : line(name, answer));
  };

const toNextLine = (name: string, answer: unknown): string => {
  const { next, words } = answer as ScheduleDetail;
  return `${name}: ${clean(words)}, next ${next?.local ?? 'never'}`;
};

const VERBS: Record<string, (context: CommandContext, name: string) => Promise<void>> = {
  add: say((context, name) => {
    const change = readChange(context);
    if (!change.task || (!change.cron && !change.every))
      throw new UsageError(
        'tasker schedules add <name> <type> [param=value …] --cron "…" | --every 15m',
      );
    return context.tasker.schedules.create({ ...change, name } as NewSchedule);
  }, toNextLine),
  edit: say(
    (context, name) => context.tasker.schedules.update(name, readChange(context)),
    toNextLine,
  ),
  show,
  next: async (context, name) =>
    printMoments(context, await context.tasker.schedules.next(name, { count: readCount(context) })),
  run: say(
    ({ tasker }, name) => tasker.schedules.trigger(name),
    (_name, task) => (task as { task_id: string }).task_id,
  ),
  backfill,
  pause: say(
    ({ tasker }, name) => tasker.schedules.pause(name),
    (name) => `${name} is paused: it fires no more`,
  ),
  resume: say(({ tasker }, name) => tasker.schedules.resume(name), toNextLine),
  delete: say(
    ({ tasker }, name) => tasker.schedules.delete(name),
    (name) => `Deleted ${name}; its tasks stay`,
  ),
};

export const schedules: Command = {
  usage: 'schedules [add|edit|run|pause|… <name>]',
  summary: 'Submit tasks by themselves: list, create, run and pause schedules',
  help: HELP,
  options: {
    cron: { type: 'string' },
    every: { type: 'string' },
    timezone: { type: 'string' },
    overlap: { type: 'string' },
    'catch-up': { type: 'string' },
    title: { type: 'string' },
    tag: { type: 'string', multiple: true },
    count: { type: 'string' },
    from: { type: 'string' },
    to: { type: 'string' },
    'dry-run': { type: 'boolean' },
  },
  async run(context) {
    const [verb, name] = context.args;
    if (verb === undefined) return list(context);
    if (verb === 'preview') {
      const recurrence = { ...readRecurrence(context), count: readCount(context) };
      return printMoments(context, await context.tasker.schedules.preview(recurrence));
    }
    const command = Object.hasOwn(VERBS, verb) ? VERBS[verb] : undefined;
    if (!command)
      throw new UsageError(
        `There is no "schedules ${verb}", but: ${Object.keys(VERBS).join(', ')}, preview`,
      );
    if (name === undefined) throw new UsageError(`Name it: tasker schedules ${verb} <name>`);
    return command(context, name);
  },
};
