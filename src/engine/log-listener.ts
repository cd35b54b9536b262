import { findEndedAttempt, measureDuration, type Attempt } from '../domain/attempts.ts';
import type { CommitListener } from '../domain/commit-listener.ts';
import type { CommittedTask } from '../domain/task.ts';
import type { Logger } from '../log.ts';

/**
 * Attempts of one commit that have a line each. An invocation may log 256 KB, and a batch has a
 * thousand tasks: https://developers.cloudflare.com/workers/platform/limits/#log-size
 */
const MAX_LINES = 20;

interface Ended {
  task: CommittedTask;
  ended: Attempt;
}

const toLevel = ({ outcome }: Attempt): 'warn' | 'info' => (outcome === 'failed' ? 'warn' : 'info');

/**
 * Logs attempts once their end is committed: one line for each, or, where many end together, one for
 * all of an owner and type that ended alike, with the ids of those that failed.
 */
export const createLogListener = (log: Logger): CommitListener => {
  const logOne = ({ task, ended }: Ended): void => {
    const { id: task_id, type: task_name, owner, attempt, request_id } = task;
    const duration_ms = measureDuration(ended);
    const reason = ended.error?.code;
    const fields = { request_id, task_id, task_name, owner, attempt, duration_ms, reason };
    log[toLevel(ended)](`task_${ended.outcome}`, fields);
  };

  const logTogether = (alike: readonly Ended[]): void => {
    const [first] = alike as [Ended];
    const { owner, type: task_name } = first.task;
    const { outcome, error } = first.ended;
    log[toLevel(first.ended)](`tasks_${outcome}`, {
      owner,
      task_name,
      reason: error?.code,
      tasks: alike.length,
      max_duration_ms: Math.max(...alike.map(({ ended }) => measureDuration(ended))),
      ...(outcome === 'failed' && { task_ids: alike.map(({ task }) => task.id).join(' ') }),
    });
  };

  return {
    name: 'log',
    onCommit(tasks) {
      const all = tasks.flatMap((task) => {
        const ended = findEndedAttempt(task);
        return ended ? { task, ended } : [];
      });
      if (all.length <= MAX_LINES) return all.forEach(logOne);
      const groups = Map.groupBy(all, ({ task: { owner, type }, ended: { outcome, error } }) =>
        [owner, type, outcome, error?.code].join(' '),
      );
      for (const alike of groups.values()) logTogether(alike);
    },
  };
};
