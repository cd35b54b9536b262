import { observe } from './snapshot.ts';
import { measureDuration, findEndedAttempt, type Attempt } from '../domain/task.ts';
import type { CommittedTask, CommitListener } from '../engine/publisher.ts';
import type { MetricsBuffer } from './buffer.ts';

/** When the attempt that now runs was due, in ms; null after a rerun, which the row does not remember. */
const dueAt = ({ attempt, attempts, submitted_at, scheduled_at }: CommittedTask): number | null => {
  if (attempt === 1) return Math.max(submitted_at, scheduled_at ?? 0);
  const last = (JSON.parse(attempts) as Attempt[]).at(-1);
  return last && scheduled_at !== null && scheduled_at >= last.ended_at ? scheduled_at : null;
};

/**
 * Counts what committed rows tell: a submit (their first version), the start of an attempt and its end, each in the very
 * write that returned the row, which set `updated_at` too. `nameOf`: the registry's name of a type, for labels.
 */
export const createMetricsListener = (
  buffer: MetricsBuffer,
  nameOf: (type: string) => string,
): CommitListener => {
  const countOne = (task: CommittedTask): void => {
    const { owner, status, version, started_at, updated_at } = task;
    const labels = { task_name: nameOf(task.type) };
    if (version === 1) {
      buffer.count('tasker_tasks_submitted_total', labels);
      buffer.minute(owner, updated_at).submitted += 1;
      return;
    }
    if (status === 'IN_PROGRESS' && started_at === updated_at) {
      const due = dueAt(task);
      if (due === null) return;
      const seconds = Math.max(0, started_at - due) / 1_000;
      buffer.observe('tasker_task_wait_seconds', labels, seconds);
      return observe(buffer.minute(owner, updated_at).wait, seconds);
    }
    const ended = findEndedAttempt(task);
    if (ended) {
      const minute = buffer.minute(owner, updated_at);
      const seconds = measureDuration(ended) / 1_000;
      buffer.count('tasker_task_executions_total', { ...labels, status: ended.outcome });
      buffer.observe('tasker_task_execution_duration_seconds', labels, seconds);
      observe(minute.run, seconds);
      minute[ended.outcome === 'rescued' ? 'retried' : ended.outcome] += 1;
    } else if (status === 'CANCELLED' && task.completed_at === updated_at)
      buffer.minute(owner, updated_at).cancelled += 1;
  };
  return { name: 'meter', tell: (tasks) => tasks.forEach(countOne) };
};
