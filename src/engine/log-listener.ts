import { findEndedAttempt, measureDuration } from '../domain/attempts.ts';
import type { CommitListener } from '../domain/commit-listener.ts';
import type { CommittedTask } from '../domain/task.ts';
import type { Logger } from '../log.ts';

/** Logs one line for each attempt, once its end is committed. */
export const createLogListener = (log: Logger): CommitListener => {
  const logAttempt = (task: CommittedTask): void => {
    const ended = findEndedAttempt(task);
    if (!ended) return;
    const { id: task_id, type: task_name, owner, attempt, request_id } = task;
    const level = ended.outcome === 'failed' ? 'warn' : 'info';
    const duration_ms = measureDuration(ended);
    const reason = ended.error?.code;
    const fields = { request_id, task_id, task_name, owner, attempt, duration_ms, reason };
    log[level](`task_${ended.outcome}`, fields);
  };
  return { name: 'log', onCommit: (tasks) => tasks.forEach(logAttempt) };
};
