import { isFinal } from '../domain/words.ts';
import type { TaskView } from '../client/index.ts';
import { archive, readResult, restore } from './body-commands.ts';
import { parsePairs, parseSeconds, UsageError } from './arguments.ts';
import { getText, type Command, type CommandContext } from './context.ts';
import { followTask, printTask, toExitCode, waitFor } from './follow.ts';
import { clean, formatStatus, toRow } from './format.ts';
import { logs } from './logs-command.ts';
import { resolveId } from './resolve-id.ts';
import { exportTasks, listTasks } from './list-commands.ts';
import { submitCommand } from './submit-command.ts';

const watch: Command = {
  usage: 'watch [id]',
  summary: 'Follow one task until its end, or all tasks',
  async run(context) {
    const { tasker, args, isJson, print, signal } = context;
    if (args.length > 0) {
      const ended = await followTask(context, await resolveId(context));
      if (!isJson) printTask(context, ended);
      return toExitCode(ended);
    }
    for await (const frame of tasker.watchAll({ signal })) {
      if (isJson) print(JSON.stringify(frame));
      else if (frame.event === 'updates')
        for (const task of frame.tasks) {
          const { id, status, type, title } = toRow(task);
          print([new Date().toLocaleTimeString(), status, id, type, title].join('  ').trimEnd());
        }
    }
    return 0;
  },
};

const get: Command = {
  usage: 'get <id>',
  summary: 'Show a task',
  async run(context) {
    printTask(context, await context.tasker.get(await resolveId(context)));
  },
};

const wait: Command = {
  usage: 'wait <id>',
  summary: 'Wait for the end of a task; exit code 1 if it failed, 4 if that takes too long',
  help: '  --timeout <length>      such as 30s',
  options: { timeout: { type: 'string' } },
  async run(context) {
    const timeout = getText(context, 'timeout');
    const options = {
      ...(timeout !== undefined && { timeout: parseSeconds('timeout', timeout) * 1_000 }),
    };
    const ended = await waitFor(context, await resolveId(context), options);
    printTask(context, ended);
    return toExitCode(ended);
  },
};

const printStatus = ({ isJson, print }: CommandContext, task: TaskView): void =>
  print(isJson ? JSON.stringify(task) : `${task.task_id} ${formatStatus(task.status)}`);

const command = (verb: 'cancel' | 'pause' | 'resume' | 'retry', summary: string): Command => ({
  usage: `${verb} <id>`,
  summary,
  run: async (context) =>
    printStatus(context, await context.tasker[verb](await resolveId(context))),
});

const complete: Command = {
  usage: 'complete <id> [name=value …]',
  summary: 'Complete a task that waits for a person',
  async run(context) {
    const [, ...pairs] = context.args;
    const result = pairs.length > 0 ? parsePairs(pairs) : null;
    printStatus(context, await context.tasker.complete(await resolveId(context), result));
  },
};

const fail: Command = {
  usage: 'fail <id> <why>',
  summary: 'Fail a task that waits for a person',
  async run(context) {
    const [, ...words] = context.args;
    if (words.length === 0) throw new UsageError('Say why: tasker fail <id> "Too dear"');
    printStatus(context, await context.tasker.fail(await resolveId(context), words.join(' ')));
  },
};

const remove: Command = {
  usage: 'delete <id>',
  summary: 'Delete a task that has ended',
  async run(context) {
    const id = await resolveId(context);
    const task = await context.tasker.get(id);
    if (!isFinal(task.status)) throw new UsageError(`${clean(id)} has not ended: cancel it first`);
    await context.tasker.remove(id);
    context.print(context.isJson ? JSON.stringify({ deleted: id }) : `Deleted ${id}`);
  },
};

export const taskCommands: Record<string, Command> = {
  submit: submitCommand,
  get,
  list: listTasks,
  watch,
  wait,
  logs,
  cancel: command('cancel', 'Cancel a task'),
  retry: command('retry', 'Run a failed or cancelled task again'),
  pause: command('pause', 'Hold a task that has not begun'),
  resume: command('resume', 'Let a paused task go on'),
  complete,
  fail,
  delete: remove,
  result: readResult,
  export: exportTasks,
  restore,
  archive,
};
