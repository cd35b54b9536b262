import { AppError } from '../domain/errors.ts';
import { refuseFields } from '../domain/field-errors.ts';
import { RESEND_AFTER_MS } from '../domain/new-task.ts';
import { isManualQueue } from '../domain/routing.ts';
import type { Task, TaskError } from '../domain/task.ts';
import type { Catalog } from '../handlers/catalog.ts';
import type { OutsideRuns } from '../store/outside-runs.ts';
import type { TaskStore } from '../store/tasks.ts';
import { toOutcome } from './outcome.ts';
import type { FollowUp } from './follow-up.ts';
import type { LargeBodies } from './large-bodies.ts';
import type { Publish } from './publisher.ts';
import { refuseCommand } from './refuse-command.ts';

export interface ManualDeps {
  outsideRuns: Pick<OutsideRuns, 'settle'>;
  store: Pick<TaskStore, 'get'>;
  catalog: Catalog;
  publish: Publish;
  followUp: FollowUp;
  keepResult: LargeBodies['keepResult'];
  /** Sets the Dispatcher's alarm: a callback may be due. */
  ensureAlarmBy(at: number): Promise<void>;
  now(): number;
}

/** Ends tasks that wait for a person. */
export const createManual = (deps: ManualDeps) => {
  const { outsideRuns, store, catalog, publish, followUp, keepResult, ensureAlarmBy, now } = deps;

  const findTask = async (owner: string, id: string): Promise<Task> => {
    const task = await store.get(owner, id);
    if (!task) throw new AppError('task_not_found', `There is no task "${id}"`);
    if (isManualQueue(task.queue)) return task;
    const message = `Tasks of "${task.type}" wait for nobody: they end by themselves`;
    throw new AppError('type_not_manual', message);
  };

  const keep = async (
    task: Task,
    end: { result: string } | { error: TaskError },
  ): Promise<typeof end> =>
    'error' in end ? end : { result: await keepResult(task, task.attempt + 1, end.result) };

  const settle = async (
    task: Task,
    end: { result: string } | { error: TaskError },
  ): Promise<Task> => {
    await ensureAlarmBy(now() + RESEND_AFTER_MS);
    const settled = await outsideRuns.settle(task, await keep(task, end), now());
    if (!settled) throw refuseCommand('settle', await findTask(task.owner, task.id));
    await Promise.all([publish([settled]), followUp([settled])]);
    return settled;
  };

  return {
    /** 422 where the type's schema of results does not take it. */
    async complete(owner: string, id: string, result: unknown): Promise<Task> {
      const task = await findTask(owner, id);
      await catalog.load(owner, [task.type]);
      const problem = catalog.find(owner, task.type)?.outside?.findResultProblem(result ?? null);
      const outcome = toOutcome(result);
      const message = problem ?? (outcome.kind === 'failed' ? outcome.error.message : null);
      if (message !== null || outcome.kind !== 'completed')
        return refuseFields([
          { in: 'body', path: 'result', code: 'invalid_result', message: String(message) },
        ]);
      return settle(task, { result: outcome.result });
    },

    async fail(owner: string, id: string, error: TaskError): Promise<Task> {
      return settle(await findTask(owner, id), { error });
    },
  };
};
