import { describeError } from '../domain/errors.ts';
import type { CommittedTask, Task } from '../domain/task.ts';
import type { HeldReason } from '../domain/words.ts';
import { classifyFailure } from '../store/failure.ts';
import type { FlowStore } from '../store/flows.ts';
import type { TaskStore } from '../store/tasks.ts';
import type { Acceptance } from './accept-wire.ts';
import { firstLookAt, type AccepterDeps } from './accepter.ts';
import { findLimitKeys } from './admission.ts';
import type { BuiltFlow } from './flow-build.ts';
import { ANSWERS } from './group-commit.ts';
import { readBack, repeatInsert } from './repeat.ts';

export interface FlowAccepterDeps extends Pick<
  AccepterDeps,
  | 'taskQueues'
  | 'publish'
  | 'admission'
  | 'ensureAlarmBy'
  | 'quota'
  | 'bytesQuota'
  | 'databaseSize'
  | 'noteOutage'
  | 'log'
> {
  flows: Pick<FlowStore, 'insert'>;
  store: Pick<TaskStore, 'findBirths'>;
}

/** What holds tasks that are stored, by their ids. */
type Held = ReadonlyMap<string, HeldReason | null>;

/** A flow as the Dispatcher takes it. */
export type AcceptedFlow = Pick<BuiltFlow, 'flow' | 'tasks' | 'edges'>;

/** As it crosses to the Dispatcher: its release may be another one, which reads what it knows. */
export const encodeFlow = (flow: AcceptedFlow): string => JSON.stringify(flow);
export const decodeFlow = (text: string): AcceptedFlow => JSON.parse(text) as AcceptedFlow;

/** Stores whole flows, and lets their first tasks go. */
export const createFlowAccepter = (deps: FlowAccepterDeps) => {
  const { flows, store, taskQueues, publish, admission, ensureAlarmBy, log } = deps;
  const { quota, bytesQuota, databaseSize, noteOutage } = deps;

  const findStored = async (tasks: readonly Task[]): Promise<Held> => {
    const births = await store.findBirths(tasks);
    return new Map([...births.values()].map(({ id, held }) => [id, held]));
  };

  const refuse = async (tasks: readonly Task[]): Promise<Acceptance | null> => {
    if (await databaseSize.isFull()) return 'database_full';
    // An owner who cannot be counted is let in: the database decides.
    if (!(await quota.tryReserve(tasks).catch(() => true))) return 'too_many_unfinished';
    return (await bytesQuota.tryReserve(tasks).catch(() => true)) ? null : 'too_many_bytes';
  };

  /** What may run goes to its queue. */
  const release = async (tasks: readonly Task[], stored: Held): Promise<void> => {
    const committed = tasks.flatMap((task): CommittedTask[] => {
      const held = stored.get(task.id);
      if (held === undefined) return [];
      // A type's own limit is found by the statement.
      const limit_key = task.limit_key ?? (held === 'limit' ? task.type : null);
      return [{ ...task, held, limit_key }];
    });
    void publish(committed);
    const limited = findLimitKeys(committed.filter(({ held }) => held === 'limit'));
    const admitted = limited.length > 0 ? await admission.admit(limited) : [];
    const due = committed.filter(({ status, held }) => status === 'PENDING' && held === null);
    await taskQueues.enqueue([...due, ...admitted]);
  };

  return {
    /** Answers after the commit. Repeating it is safe. */
    async accept(given: AcceptedFlow): Promise<Acceptance> {
      const { flow, tasks, edges } = given;
      const refused = await refuse(tasks);
      if (refused) return refused;
      try {
        await ensureAlarmBy(Math.min(...tasks.map(firstLookAt)));
      } catch (error) {
        log.error('alarm_failed', { error: describeError(error) });
        return 'database_unavailable';
      }
      let stored: Held;
      try {
        const insert = (): Promise<Held> => flows.insert(flow, tasks, edges);
        stored = await repeatInsert(insert, tasks.length, log);
        // Of a flow all is stored, or nothing: it was here before, or another one has its key.
        if (stored.size < tasks.length)
          stored = await readBack(() => findStored(tasks), tasks.length, log);
        if (stored.size === 0) return 'duplicate';
      } catch (error) {
        const failure = classifyFailure(error);
        log.error('insert_failed', { tasks: tasks.length, failure, error: describeError(error) });
        if (failure !== 'unknown') return ANSWERS[failure];
        noteOutage();
        stored = await findStored(tasks).catch(() => new Map());
        if (stored.size === 0) return ANSWERS.unknown;
      }
      // Whoever was answered before may not have come so far: what goes twice runs once.
      await release(tasks, stored);
      return 'accepted';
    },
  };
};
