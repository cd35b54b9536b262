import { chunk } from '../domain/chunk.ts';
import { describeError } from '../domain/errors.ts';
import { MAX_RUNNING } from '../domain/limit.ts';
import type { Task } from '../domain/task.ts';
import type { Logger } from '../log.ts';
import type { AdmissionStore, AdmittedTask, LimitKey } from '../store/admission.ts';
import { classifyFailure } from '../store/failure.ts';
import type { TaskStore } from '../store/tasks.ts';
import type { Publish } from './publisher.ts';
import type { TaskQueues } from './task-queues.ts';

/** Keys of one batch of statements. */
const MAX_KEYS = 25;
/** Of what one key lets go, the clock finds the rest. */
const MAX_ROUNDS = 20;

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

  /** What follows an admission must not undo it: its tasks go to their queue whatever fails here. */
  const attempt = async (event: string, work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      log.warn(event, { error: describeError(error) });
    }
  };
  const wakeBy = (at: number): Promise<void> => attempt('alarm_failed', () => ensureAlarmBy(at));

  /** One round: as many as one call lets go. */
  const admitOnce = async (
    keys: readonly LimitKey[],
  ): Promise<{ tasks: AdmittedTask[]; unfinished: LimitKey[] }> => {
    const admitted = await admissions.admit(keys, now());
    const wakeAt = Math.min(...admitted.map((each) => each.wakeAt ?? Infinity));
    if (wakeAt < Infinity) await wakeBy(wakeAt);
    const tasks = admitted.flatMap((each) => each.tasks);
    const forWorkers = tasks.filter(({ held }) => held === 'worker');
    if (forWorkers.length > 0)
      await attempt('publish_failed', async () => tellWorkers(await store.getMany(forWorkers)));
    // A limit that lets very many go may have more.
    const unfinished = keys.filter((_, i) => (admitted[i]?.tasks.length ?? 0) >= MAX_RUNNING);
    return { tasks, unfinished };
  };

  /** One limit whose rows are refused must not hold up the others. */
  const admitEach = async (keys: readonly LimitKey[]): ReturnType<typeof admitOnce> => {
    try {
      return await admitOnce(keys);
    } catch (error) {
      if (keys.length === 1 || classifyFailure(error) !== 'constraint') {
        log.warn('admission_failed', { limits: keys.length, error: describeError(error) });
        return { tasks: [], unfinished: [] };
      }
    }
    const parts = [];
    for (const key of keys) parts.push(await admitEach([key]));
    return {
      tasks: parts.flatMap(({ tasks }) => tasks),
      unfinished: parts.flatMap(({ unfinished }) => unfinished),
    };
  };

  const admitRound = async (keys: readonly LimitKey[]): ReturnType<typeof admitOnce> => {
    const tasks: AdmittedTask[] = [];
    const unfinished: LimitKey[] = [];
    for (const group of chunk(keys, { most: MAX_KEYS })) {
      const round = await admitEach(group);
      tasks.push(...round.tasks.filter(({ held }) => held === null));
      unfinished.push(...round.unfinished);
    }
    return { tasks, unfinished };
  };

  return {
    /** For the Dispatcher: returns what is to be sent to its queue. */
    async admit(keys: readonly LimitKey[]): Promise<AdmittedTask[]> {
      const tasks: AdmittedTask[] = [];
      let left = keys;
      for (let round = 0; round < MAX_ROUNDS && left.length > 0; round += 1) {
        const { tasks: some, unfinished } = await admitRound(left);
        tasks.push(...some);
        left = unfinished;
      }
      return tasks;
    },

    /**
     * After a change of these tasks: what their limits let go now goes to its queue. Of very many the
     * Dispatcher sees to the rest, which shares its queues fairly.
     */
    async admitAfter(changed: readonly Pick<Task, 'owner' | 'limit_key'>[]): Promise<void> {
      const keys = findLimitKeys(changed);
      if (keys.length === 0) return;
      const { tasks, unfinished } = await admitRound(keys);
      await taskQueues.enqueue(tasks);
      if (unfinished.length > 0) await wakeBy(now());
    },
  };
};

export type LimitAdmission = ReturnType<typeof createAdmission>;
