import { describeError } from '../domain/errors.ts';
import type { Flow } from '../domain/flow.ts';
import type { CommittedTask, Task } from '../domain/task.ts';
import { classifyFailure } from '../store/failure.ts';
import type { FlowStore } from '../store/flows.ts';
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
  flows: Pick<FlowStore, 'insert' | 'get'>;
}

/** A flow as the Dispatcher takes it. */
export type AcceptedFlow = Pick<BuiltFlow, 'flow' | 'tasks' | 'edges'>;

/** As it crosses to the Dispatcher: its release may be another one, which reads what it knows. */
export const encodeFlow = (flow: AcceptedFlow): string => JSON.stringify(flow);
export const decodeFlow = (text: string): AcceptedFlow => JSON.parse(text) as AcceptedFlow;

/** Stores whole flows, and lets their first tasks go. */
export const createFlowAccepter = (deps: FlowAccepterDeps) => {
  const { flows, taskQueues, publish, admission, ensureAlarmBy, log } = deps;
  const { quota, bytesQuota, databaseSize, noteOutage } = deps;

  const isThere = async ({ owner, id }: Flow): Promise<boolean> =>
    (await flows.get(owner, id)) !== null;

  const refuse = async (tasks: readonly Task[]): Promise<Acceptance | null> => {
    if (await databaseSize.isFull()) return 'database_full';
    // An owner who cannot be counted is let in: the database decides.
    if (!(await quota.tryReserve(tasks).catch(() => true))) return 'too_many_unfinished';
    return (await bytesQuota.tryReserve(tasks).catch(() => true)) ? null : 'too_many_bytes';
  };

  /** What may run goes to its queue. */
  const release = async (tasks: readonly CommittedTask[]): Promise<void> => {
    void publish(tasks);
    const limited = findLimitKeys(tasks.filter(({ held }) => held === 'limit'));
    const admitted = limited.length > 0 ? await admission.admit(limited) : [];
    const due = tasks.filter(({ status, held }) => status === 'PENDING' && held === null);
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
      try {
        const insert = () => flows.insert(flow, tasks, edges);
        const held = await repeatInsert(insert, tasks.length, log);
        if (held.size < tasks.length)
          return (await readBack(() => isThere(flow), tasks.length, log))
            ? 'accepted'
            : 'duplicate';
        await release(
          tasks.map((task) => {
            const by = held.get(task.id) ?? null;
            // A type's own limit is found by the statement.
            return {
              ...task,
              held: by,
              limit_key: task.limit_key ?? (by === 'limit' ? task.type : null),
            };
          }),
        );
        return 'accepted';
      } catch (error) {
        const failure = classifyFailure(error);
        log.error('insert_failed', { tasks: tasks.length, failure, error: describeError(error) });
        if (failure !== 'unknown') return ANSWERS[failure];
        noteOutage();
        return (await isThere(flow).catch(() => false)) ? 'accepted' : ANSWERS.unknown;
      }
    },
  };
};
