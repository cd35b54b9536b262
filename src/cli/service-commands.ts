import { complete } from './completion.ts';
import { getText, printRows, type Command } from './context.ts';
import { clean, formatSeconds, paint, toAge } from './format.ts';
import { keys, queues } from './operator-commands.ts';
import { flows } from './flow-command.ts';
import { limits } from './limit-command.ts';
import { schedules } from './schedule-command.ts';
import { types } from './type-command.ts';

interface ErrorGroup {
  fingerprint: string;
  type: string;
  code: string | null;
  message: string | null;
  tasks: number;
  last_at: string;
  muted: boolean;
}

const errors: Command = {
  usage: 'errors',
  summary: 'What fails, the most frequent first',
  async run(context) {
    const { groups } = await context.tasker.request<{ groups: ErrorGroup[] }>('/errors');
    const rows = groups.map((group) => ({
      tasks: String(group.tasks),
      type: group.type,
      last: toAge(group.last_at),
      message: clean(
        `${group.message ?? group.code ?? 'unknown'}${group.muted ? ' (muted)' : ''}`,
      ).slice(0, 100),
    }));
    printRows(context, groups, rows, 'Nothing has failed');
  },
};

interface Times {
  p50: number | null;
  p95: number | null;
}
interface Group {
  key: string | null;
  submitted: number;
  completed: number;
  failed: number;
  wait_seconds: Times;
  run_seconds: Times;
  slower_since: string | null;
}

const stats: Command = {
  usage: 'stats',
  summary: 'How tasks went: by type, queue or outcome',
  help: '  --since <length>        24h unless given\n  --by type|queue|outcome type unless given',
  options: { since: { type: 'string' }, by: { type: 'string' } },
  async run(context) {
    const query = new URLSearchParams({
      from: getText(context, 'since') ?? '24h',
      by: getText(context, 'by') ?? 'type',
    });
    const { groups } = await context.tasker.request<{ groups: Group[] }>(
      `/stats?${query.toString()}`,
    );
    const time = (seconds: number | null) => (seconds === null ? '' : formatSeconds(seconds));
    const rows = groups.map((group) => ({
      [query.get('by') ?? 'type']: group.key ?? 'all',
      submitted: String(group.submitted),
      completed: String(group.completed),
      failed: group.failed === 0 ? '0' : paint(31, String(group.failed)),
      'wait p95': time(group.wait_seconds.p95),
      'run p50': time(group.run_seconds.p50),
      'run p95': time(group.run_seconds.p95),
      slower: group.slower_since === null ? '' : `since ${toAge(group.slower_since)}`,
    }));
    printRows(context, groups, rows, 'Nothing happened in this time');
  },
};

const whoami: Command = {
  usage: 'whoami',
  summary: 'Who you are to the service, and what you may do',
  async run({ tasker, isJson, print, url }) {
    const me = await tasker.request<{ owner: string; scopes: string[]; key_name: string | null }>(
      '/session',
    );
    if (isJson) return print(JSON.stringify(me));
    const by = me.key_name === null ? 'without a key' : `by the key "${clean(me.key_name)}"`;
    return print(`${me.owner} at ${url}, ${by}: ${me.scopes.join(', ')}`);
  },
};

const completion: Command = {
  usage: 'completion bash|zsh',
  summary: 'Print a completion script: eval "$(tasker completion bash)"',
  async run({ args, print }) {
    print(complete(args[0]));
  },
};

export const serviceCommands: Record<string, Command> = {
  types,
  schedules,
  limits,
  flows,
  queues,
  keys,
  errors,
  stats,
  whoami,
  completion,
};
