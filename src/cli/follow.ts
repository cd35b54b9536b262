import type { TaskView } from '../client/index.ts';
import type { CommandContext } from './context.ts';
import { formatProgress, formatStatus, formatTask } from './format.ts';
import { formatLine } from './logs-command.ts';
import { createSeen } from './seen.ts';

/** Prints one task. */
export const printTask = ({ isJson, print }: CommandContext, task: TaskView): void =>
  print(isJson ? JSON.stringify(task) : formatTask(task));

/** The exit code that tells how a task ended. */
export const toExitCode = ({ status }: Pick<TaskView, 'status'>): number =>
  status === 'FAILED' || status === 'CANCELLED' ? 1 : 0;

/** Whoever waits for longer wants to know why. */
const HINT_AFTER_MS = 3_000;

/** Waits for the end of a task; says why it does not begin, if it does not. */
export const waitFor = async (
  { tasker, isJson, complain, signal }: CommandContext,
  id: string,
  options: { timeout?: number } = {},
): Promise<TaskView> => {
  const tell = async (): Promise<void> => {
    const { waiting_for } = await tasker.get(id);
    if (waiting_for) complain(`Waiting: ${waiting_for.message}`);
  };
  const timer = isJson ? undefined : setTimeout(() => void tell().catch(() => {}), HINT_AFTER_MS);
  try {
    return await tasker.wait(id, { ...options, signal });
  } finally {
    clearTimeout(timer);
  }
};

/** Prints what happens to a task, until it has ended. */
export const followTask = async (context: CommandContext, id: string): Promise<TaskView> => {
  const { tasker, isJson, print, printOver, write, signal } = context;
  const seen = createSeen();
  for await (const frame of tasker.watch(id, { signal })) {
    if (isJson) print(JSON.stringify(frame));
    else if (frame.event === 'progress') printOver(formatProgress(frame.fraction, frame.note));
    else if (frame.event === 'output') write(seen.text(frame));
    else if (frame.event === 'log') for (const line of seen.lines(frame)) print(formatLine(line));
    else if ('task' in frame)
      print(
        `${formatStatus(frame.task.status, 12)} attempt ${frame.task.attempt} of ${frame.task.max_attempts}`,
      );
  }
  return tasker.get(id);
};
