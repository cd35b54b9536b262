import { chunk } from '../domain/chunk.ts';
import { describeError } from '../domain/errors.ts';
import { MAX_RUNNING } from '../domain/limit.ts';
import type { Task } from '../domain/task.ts';
import type { Logger } from '../log.ts';
import type { AdmissionStore, AdmittedTask, LimitKey } from '../store/admission.ts';
import type { TaskStore } from '../store/tasks.ts';
import type { Publish } from './publisher.ts';
import type { TaskQueues } from './task-queues.ts';

/** Keys of one batch of statements. */
const MAX_KEYS = 25;

export interface AdmissionDeps {
  admissions: Pick<AdmissionStore, 'admit'>;
  store: Pick<TaskStore, 'getMany'>;
  taskQueues: Pick<TaskQueues, 'enqueue'>;
  /** Tells boards of tasks that workers wait for. */
  tellWorkers: Publish;
  /** Sets the Dispatcher's alarm, for what a rate or a pause holds. */
  ensureAlarmBy(at: number): Promise<void>;
  now(): number;
  log: Logger;
}

/** The limits of tasks, each once; tasks without one have none. */
export const findLimitKeys = (tasks: readonly Pick<Task, 'owner' | 'limit_key'>[]): LimitKey[] => {
  const keys = new Map<string, LimitKey>();
  for (const { owner, limit_key: key } of tasks)
    if (key !== null) keys.set(JSON.stringify([owner, key]), { owner, key });
  return [...keys.values()];
};

/**
 * Lets tasks go that their limits held, whenever an insert, an end, a command or the clock has touched
 * a limit. Never throws: what is forgotten here the clock finds.
 */
export const createAdmission = (deps: AdmissionDeps) => {
  const { admissions, store, taskQueues, tellWorkers, ensureAlarmBy, now, log } = deps;

  const admitGroup = async (keys: readonly LimitKey[]): Promise<AdmittedTask[]> => {
    const admitted = await admissions.admit(keys, now());
    const wakeAt = Math.min(...admitted.map((each) => each.wakeAt ?? Infinity));
    if (wakeAt < Infinity) await ensureAlarmBy(wakeAt);
    const tasks = admitted.flatMap((each) => each.tasks);
    const forWorkers = tasks.filter(({ held }) => held === 'worker');
    if (forWorkers.length > 0) await tellWorkers(await store.getMany(forWorkers));
    // A limit that lets very many go may have more.
    const unfinished = keys.filter((_, i) => (admitted[i]?.tasks.length ?? 0) >= MAX_RUNNING);
    return unfinished.length > 0 ? [...tasks, ...(await admitGroup(unfinished))] : tasks;
  };

  /** Returns what is to be sent to its queue. */
  const admit = async (keys: readonly LimitKey[]): Promise<AdmittedTask[]> => {
    const tasks: AdmittedTask[] = [];
    for (const group of chunk(keys, { most: MAX_KEYS }))
      try {
        tasks.push(...(await admitGroup(group)));
      } catch (error) {
        log.warn('admission_failed', { limits: group.length, error: describeError(error) });
      }
    return tasks.filter(({ held }) => held === null);
  };

  return {
    admit,

    /** After a change of these tasks: what their limits let go now goes to its queue. */
    async admitAfter(tasks: readonly Pick<Task, 'owner' | 'limit_key'>[]): Promise<void> {
      const keys = findLimitKeys(tasks);
      if (keys.length > 0) await taskQueues.enqueue(await admit(keys));
    },
  };
};

export type LimitAdmission = ReturnType<typeof createAdmission>;
