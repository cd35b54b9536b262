import { AppError } from '../domain/errors.ts';
import { RESEND_AFTER_MS } from '../domain/new-task.ts';
import type { SubmitRequest } from '../domain/submit-request.ts';
import type { Task } from '../domain/task.ts';
import type { UniqueStore } from '../store/unique.ts';
import type { FollowUp } from './follow-up.ts';
import type { Publish } from './publisher.ts';
import type { TaskQueues } from './task-queues.ts';

/** What a submit is answered with that met another task with its unique key. */
export type UniqueConflict = 'returned' | 'replaced';

export interface UniqueTaskDeps {
  unique: UniqueStore;
  /** Awaited before a row becomes due. */
  ensureAlarmBy(at: number): Promise<void>;
  publish: Publish;
  taskQueues: Pick<TaskQueues, 'enqueue'>;
  followUp: FollowUp;
  countConflict(outcome: UniqueConflict | 'refused'): void;
  now(): number;
}

export const refuseDuplicate = (id: string): AppError =>
  new AppError('duplicate', `Task ${id} has the same unique key`, { members: { task_id: id } });

/** What becomes of submits whose unique keys other tasks have. */
export const createUniqueTasks = (deps: UniqueTaskDeps) => {
  const { unique, ensureAlarmBy, publish, taskQueues, followUp, countConflict, now } = deps;

  const replace = async (
    holder: Task,
    task: Task,
    { unique: wish }: SubmitRequest,
  ): Promise<Task | null> => {
    const latestAt = holder.submitted_at + Math.round((wish?.at_most_seconds ?? Infinity) * 1_000);
    const at = Math.min(task.scheduled_at ?? now(), latestAt);
    const scheduled_at = at > now() ? at : null;
    await ensureAlarmBy(scheduled_at ?? now() + RESEND_AFTER_MS);
    const other = { ...task, scheduled_at };
    const replaced = await unique.replace(holder.owner, holder.id, other, now());
    if (!replaced) return null;
    const isDue = replaced.status === 'PENDING' && replaced.held === null;
    await Promise.all([
      publish([replaced]),
      isDue ? taskQueues.enqueue([replaced]) : undefined,
      followUp([holder, replaced]),
    ]);
    return replaced;
  };

  return {
    find: (owner: string, tasks: readonly Task[]): Promise<Map<string, Task>> => {
      const keys = tasks.flatMap(({ unique_key: key }) => key ?? []);
      // As the insert saw it, so that the two agree.
      const at = Math.min(...tasks.map((task) => task.submitted_at));
      return keys.length > 0 ? unique.find(owner, keys, at) : Promise.resolve(new Map());
    },

    /** Gives a key back that a submit took which was refused then. */
    restore: (holder: Task): Promise<void> =>
      unique.restore(holder.owner, String(holder.unique_key), holder.id),

    /**
     * The task that a submit is answered with, for `holder` has its key; null: the key is free now,
     * and it is to be tried again. 409 where the submit says so.
     */
    async resolve(
      holder: Task,
      task: Task,
      request: SubmitRequest,
    ): Promise<{ task: Task; conflict: UniqueConflict } | null> {
      const { on_conflict: wish = 'return', while: lasts } = request.unique ?? {};
      if (wish === 'refuse') {
        countConflict('refused');
        throw refuseDuplicate(holder.id);
      }
      const answer = (of: Task, conflict: UniqueConflict) => {
        countConflict(conflict);
        return { task: of, conflict };
      };
      if (wish === 'return') return answer(holder, 'returned');
      const replaced = await replace(holder, task, request);
      if (replaced) return answer(replaced, 'replaced');
      if (lasts !== 'unfinished') return answer(holder, 'returned');
      // It has begun, and does not see the change: the new one is beside it.
      await unique.release(holder.owner, String(task.unique_key), holder.id);
      return null;
    },
  };
};

export type UniqueTasks = ReturnType<typeof createUniqueTasks>;
