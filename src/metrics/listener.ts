import { findEndedAttempt, measureDuration, parseAttempts } from '../domain/attempts.ts';
import type { CommitListener } from '../domain/commit-listener.ts';
import type { CommittedTask } from '../domain/task.ts';
import type { MetricsBuffer } from './buffer.ts';
import type { Cell } from './cells.ts';
import { observe } from './histogram.ts';

/**
 * When the attempt that now runs was due, in ms; null after a retry by a person, which the row does
 * not remember.
 */
const findDueAt = (task: CommittedTask): number | null => {
  const { attempt, submitted_at, scheduled_at } = task;
  if (attempt === 1) return Math.max(submitted_at, scheduled_at ?? 0);
  const last = parseAttempts(task).at(-1);
  return last && scheduled_at !== null && scheduled_at >= last.ended_at ? scheduled_at : null;
};

/**
 * Counts accepted tasks: where they were submitted, for the Dispatcher, which hears of all of them,
 * would need a call of its own for it.
 */
export const createSubmitCounter =
  (buffer: MetricsBuffer, findLabel: (owner: string, type: string) => string) =>
  (tasks: readonly CommittedTask[]): void => {
    for (const { owner, type, queue, submitted_at } of tasks) {
      const label = findLabel(owner, type);
      buffer.count('tasker_tasks_submitted_total', { task_name: label });
      buffer.findCell(owner, submitted_at, type, queue).submitted += 1;
    }
  };

/**
 * Counts what committed rows tell: the start of an attempt and its end, each in the very write that
 * returned the row, which set `updated_at` too.
 * @param findLabel the name of a built-in type, for labels; one of an owner's is `other`
 */
export const createMetricsListener = (
  buffer: MetricsBuffer,
  findLabel: (owner: string, type: string) => string,
): CommitListener => {
  type Labels = { task_name: string };
  // An owner's own figures have its own names.
  const findCellOf = ({ owner, updated_at, type, queue }: CommittedTask): Cell =>
    buffer.findCell(owner, updated_at, type, queue);

  const countStart = (task: CommittedTask, startedAt: number, labels: Labels): void => {
    const dueAt = findDueAt(task);
    if (dueAt === null) return;
    const seconds = Math.max(0, startedAt - dueAt) / 1_000;
    buffer.observe('tasker_task_wait_seconds', labels, seconds);
    observe(findCellOf(task).wait, seconds);
  };

  const countEnd = (task: CommittedTask, labels: Labels): void => {
    const ended = findEndedAttempt(task);
    if (ended) {
      const seconds = measureDuration(ended) / 1_000;
      buffer.count('tasker_task_executions_total', { ...labels, status: ended.outcome });
      buffer.observe('tasker_task_execution_duration_seconds', labels, seconds);
      const cell = findCellOf(task);
      if (ended.outcome === 'cancelled') cell.cancelled += 1;
      else if (ended.outcome !== 'continued' && ended.outcome !== 'snoozed')
        observe(cell[ended.outcome === 'rescued' ? 'retried' : ended.outcome], seconds);
    } else if (task.status === 'CANCELLED' && task.completed_at === task.updated_at) {
      findCellOf(task).cancelled += 1;
      if (task.end_reason === 'expired') buffer.count('tasker_tasks_expired_total', labels);
    }
  };

  const countTask = (task: CommittedTask): void => {
    const { status, started_at, updated_at } = task;
    const labels = { task_name: findLabel(task.owner, task.type) };
    // Its submit is counted by who heard that it was accepted.
    if (task.version === 1) return;
    if (status === 'IN_PROGRESS' && started_at === updated_at) countStart(task, started_at, labels);
    else countEnd(task, labels);
  };
  return { name: 'metrics', onCommit: (tasks) => tasks.forEach(countTask) };
};
