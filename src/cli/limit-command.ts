import type { LimitDetail, LimitSettings, LimitView, Rate } from '../client/index.ts';
import { parseSeconds, parseWhole, UsageError } from './arguments.ts';
import { getText, printRows, type Command, type CommandContext } from './context.ts';
import { clean } from './format.ts';

const MAX_RUNNING = 1_000;

const HELP = `  show <key>                   how it stands, and whose tasks wait
  set <key> [--max 10] [--rate 100/1m] [--burst 20] [--sub-max 2] [--sub-rate 5/1s]
                               makes it, or gives it other numbers; what is left out is not limited
  pause <key> [--for 10m]      lets nothing begin, until it is resumed unless told
  resume <key>, delete <key>

  --max <n>                    tasks that run at once
  --rate <count>/<length>      tasks that begin: 100/1m, 5/1s; evenly, --burst of them together
  --sub-max, --sub-rate        the same for each sub-key, such as a tenant

A limit with the name of a type holds for all tasks of that type.`;

/** `100/1m` as a rate. */
const parseRate = (name: string, text: string): Rate => {
  const [count = '', length = '', ...more] = text.split('/');
  if (more.length > 0 || length === '')
    throw new UsageError(`--${name} takes a number in a time: --${name} 100/1m`);
  return {
    count: parseWhole(name, count, 1, 1_000_000),
    per_seconds: parseSeconds(name, length),
  };
};

const readSettings = (context: CommandContext): LimitSettings => {
  const max = (name: string): { max_running?: number } => {
    const text = getText(context, name);
    return text === undefined ? {} : { max_running: parseWhole(name, text, 1, MAX_RUNNING) };
  };
  const rate = (name: string, burst?: string): { rate?: Rate } => {
    const text = getText(context, name);
    if (text === undefined && burst !== undefined)
      throw new UsageError(`--burst goes with --${name}`);
    if (text === undefined) return {};
    const more = burst === undefined ? {} : { burst: parseWhole('burst', burst, 1, 1_000_000) };
    return { rate: { ...parseRate(name, text), ...more } };
  };
  const sub = { ...max('sub-max'), ...rate('sub-rate') };
  return {
    ...max('max'),
    ...rate('rate', getText(context, 'burst')),
    ...(Object.keys(sub).length > 0 && { sub }),
  };
};

const toRateText = (rate: LimitView['rate']): string =>
  rate === null ? '' : `${rate.count}/${rate.per_seconds}s`;

const toRow = (limit: LimitView): Record<string, string> => ({
  key: limit.key,
  running: `${limit.running}${limit.max_running === null ? '' : ` of ${limit.max_running}`}`,
  waiting: String(limit.waiting),
  rate: toRateText(limit.rate),
  each: [limit.sub?.max_running ?? '', toRateText(limit.sub?.rate ?? null)].join(' ').trim(),
  paused: limit.paused_until?.replace(/^9999.*/, 'until resumed') ?? '',
});

const printLimit = ({ isJson, print }: CommandContext, limit: LimitDetail): void => {
  if (isJson) return print(JSON.stringify(limit));
  const { running, waiting, rate, each, paused } = toRow(limit);
  print(`${limit.key}  ${running} running, ${waiting} waiting${paused && `, paused ${paused}`}`);
  if (rate) print(`  rate ${rate}, ${limit.tokens ?? 0} may begin now`);
  if (each) print(`  each sub-key ${each}`);
  if (limit.pace !== null) print(`  ${limit.pace.toFixed(1)} end in a second`);
  for (const top of limit.top_waiting)
    print(`  ${clean(top.sub_key)}: ${top.waiting} waiting, ${top.running} running`);
};

const list = async (context: CommandContext): Promise<void> => {
  const all: LimitView[] = [];
  for await (const limit of context.tasker.limits.list()) all.push(limit);
  printRows(context, all, all.map(toRow), 'There are no limits; tasker limits --help');
};

const VERBS: Record<string, (context: CommandContext, key: string) => Promise<LimitDetail | null>> =
  {
    show: ({ tasker }, key) => tasker.limits.get(key),
    set: (context, key) => context.tasker.limits.set(key, readSettings(context)),
    pause(context, key) {
      const length = getText(context, 'for');
      const wish = length === undefined ? {} : { seconds: parseSeconds('for', length) };
      return context.tasker.limits.pause(key, wish);
    },
    resume: ({ tasker }, key) => tasker.limits.resume(key),
    async delete({ tasker }, key) {
      await tasker.limits.delete(key);
      return null;
    },
  };

export const limits: Command = {
  usage: 'limits [show|set|pause|… <key>]',
  summary: 'How many tasks run at once, and how fast they begin',
  help: HELP,
  options: {
    max: { type: 'string' },
    rate: { type: 'string' },
    burst: { type: 'string' },
    'sub-max': { type: 'string' },
    'sub-rate': { type: 'string' },
    for: { type: 'string' },
  },
  async run(context) {
    const [verb, key] = context.args;
    if (verb === undefined) return list(context);
    const command = Object.hasOwn(VERBS, verb) ? VERBS[verb] : undefined;
    if (!command)
      throw new UsageError(`There is no "limits ${verb}", but: ${Object.keys(VERBS).join(', ')}`);
    if (key === undefined) throw new UsageError(`Name it: tasker limits ${verb} <key>`);
    const limit = await command(context, key);
    if (limit) return printLimit(context, limit);
    context.print(
      context.isJson ? JSON.stringify({ key }) : `Deleted ${key}: what waited is let go`,
    );
  },
};
