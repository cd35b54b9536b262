import { parseWhole, UsageError } from './arguments.ts';
import { getText, getTexts, printRows, type Command } from './context.ts';
import { clean, formatSeconds, paint, toAge } from './format.ts';

interface Queue {
  name: string;
  paused: boolean;
  paused_at: string | null;
  paused_by: string | null;
  waiting: number;
  in_progress: number;
  oldest_waiting_seconds: number | null;
}

export const queues: Command = {
  usage: 'queues [pause|resume <name>]',
  summary: 'How each queue stands; pause or resume one (for operators)',
  async run(context) {
    const { tasker, args } = context;
    const [verb, name] = args;
    if (verb !== undefined) {
      if ((verb !== 'pause' && verb !== 'resume') || name === undefined)
        throw new UsageError('Write: tasker queues pause <name>, or: tasker queues resume <name>');
      await tasker.request(`/queues/${encodeURIComponent(name)}/${verb}`, {
        method: 'POST',
        isRepeatable: true,
      });
    }
    const { queues: all } = await tasker.request<{ queues: Queue[] }>('/queues');
    const rows = all.map((queue) => ({
      queue: queue.name,
      waiting: String(queue.waiting),
      running: String(queue.in_progress),
      oldest:
        queue.oldest_waiting_seconds === null ? '' : formatSeconds(queue.oldest_waiting_seconds),
      state: queue.paused
        ? paint(
            35,
            `paused ${toAge(queue.paused_at ?? '')}${queue.paused_by === null ? '' : ` by ${clean(queue.paused_by)}`}`,
          )
        : 'open',
    }));
    printRows(context, all, rows, 'There are no queues');
  },
};

interface Key {
  id: string;
  owner: string;
  name: string;
  prefix: string;
  scopes: string[];
  expires_at: string | null;
  revoked_at: string | null;
  last_used_at: string | null;
}

export const keys: Command = {
  usage: 'keys [create|revoke <id>]',
  summary: 'List API keys; make or revoke one (for admins)',
  help: `  create --name <text> [--scope tasks:read --scope tasks:write] [--owner <name>] [--days <n>]
  revoke <id>`,
  options: {
    name: { type: 'string' },
    scope: { type: 'string', multiple: true },
    owner: { type: 'string' },
    days: { type: 'string' },
  },
  async run(context) {
    const { tasker, args, isJson, print } = context;
    const [verb, id] = args;
    if (verb === 'create') {
      const [name, owner, days] = ['name', 'owner', 'days'].map((each) => getText(context, each));
      if (name === undefined) throw new UsageError('Give a name to tell the key by: --name');
      const json = {
        name,
        scopes: getTexts(context, 'scope') ?? ['tasks:read', 'tasks:write'],
        ...(owner !== undefined && { owner }),
        ...(days !== undefined && { expires_in_days: parseWhole('days', days, 1, 3_650) }),
      };
      const made = await tasker.request<Key & { key: string }>('/keys', { method: 'POST', json });
      return print(isJson ? JSON.stringify(made) : `${made.key}\n\nShown this once.`);
    }
    if (verb === 'revoke') {
      if (id === undefined) throw new UsageError('Give the id of a key: tasker keys lists them');
      await tasker.request(`/keys/${encodeURIComponent(id)}`, {
        method: 'DELETE',
        isRepeatable: true,
      });
      return print(isJson ? JSON.stringify({ revoked: id }) : `Revoked ${id}`);
    }
    if (verb !== undefined) throw new UsageError(`There is no "keys ${verb}"`);
    const { keys: all } = await tasker.request<{ keys: Key[] }>('/keys');
    const rows = all.map((key) => ({
      name: clean(key.name),
      owner: key.owner,
      key: `${key.prefix}…`,
      scopes: key.scopes.join(','),
      used: key.last_used_at === null ? 'never' : toAge(key.last_used_at),
      state: key.revoked_at === null ? 'good' : 'revoked',
      id: key.id,
    }));
    return printRows(
      context,
      all,
      rows,
      'There are no keys: the service is open to this machine alone',
    );
  },
};
