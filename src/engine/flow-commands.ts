import { AppError } from '../domain/errors.ts';
import type { Flow } from '../domain/flow.ts';
import { planRetry } from '../domain/flow-retry.ts';
import { RESEND_AFTER_MS } from '../domain/new-task.ts';
import type { TaskKey, TaskSummaryRow } from '../domain/task.ts';
import { isFinal } from '../domain/words.ts';
import type { Leftover } from '../store/deletions.ts';
import type { FlowStore } from '../store/flows.ts';
import type { FollowUp } from './follow-up.ts';
import type { LongTasks } from './long-tasks.ts';
import type { Publish } from './publisher.ts';
import type { TaskQueues } from './task-queues.ts';

/** A flow that others change at the same time is read again so often. */
const MAX_TRIES = 20;
/** Tasks that one statement deletes: few, so that no other one waits for it. */
const DELETED_AT_ONCE = 200;

/**
 * Asked with the types of tasks before they go back: a run more of each. False leaves all as they are; it
 * may throw.
 */
export type AllowRetry = (types: readonly string[]) => Promise<boolean>;

export interface FlowCommandDeps {
  flows: FlowStore;
  publish: Publish;
  taskQueues: Pick<TaskQueues, 'enqueue'>;
  followUp: FollowUp;
  longTasks: Pick<LongTasks, 'terminate'>;
  longTaskMs: number;
  /** Sets the Dispatcher's alarm; awaited before any row is due. */
  ensureAlarmBy(at: number): Promise<void>;
  /** Drops cached outputs. */
  invalidate(keys: TaskKey[]): Promise<void>;
  /** Ends the live streams of deleted tasks and flows; best effort. */
  closeStreams(owner: string, ids: string[]): Promise<void>;
  /** Removes files that deleted tasks had written; never throws. */
  removeLeftovers(leftovers: readonly Leftover[]): Promise<void>;
  now(): number;
}

const refuse = (verb: string, { id, status }: Flow): AppError => {
  const code = isFinal(status) ? 'flow_finished' : 'flow_unfinished';
  const what = isFinal(status) ? '' : ': cancel it first';
  return new AppError(code, `Cannot ${verb} flow "${id}": it is ${status}${what}`, {
    members: { flow_status: status },
  });
};

/** The commands on flows. Every one is a guarded write, as those on tasks are. */
export const createFlowCommands = (deps: FlowCommandDeps) => {
  const { flows, publish, taskQueues, followUp, longTasks, ensureAlarmBy, now } = deps;

  const getFlow = async (owner: string, id: string): Promise<Flow> => {
    const flow = await flows.get(owner, id);
    if (flow) return flow;
    throw new AppError('flow_not_found', `There is no flow "${id}"`);
  };

  /** After the commit. */
  const tell = async (tasks: readonly TaskSummaryRow[]): Promise<void> => {
    const due = tasks.filter(({ status, held }) => status === 'PENDING' && held === null);
    await Promise.all([publish(tasks), taskQueues.enqueue(due), followUp(tasks)]);
  };

  /**
   * Puts tasks back that failed or were cancelled, with what was cancelled because of them. None where
   * there is nothing to put back.
   * @param wanted null: all of the flow
   */
  const retryTasks = async (
    owner: string,
    id: string,
    wanted: ReadonlySet<string> | null,
    allow: AllowRetry,
  ): Promise<TaskSummaryRow[]> => {
    await ensureAlarmBy(now() + RESEND_AFTER_MS);
    const allowed = new Set<string>();
    for (let tries = 0; tries < MAX_TRIES; tries += 1) {
      const rows = await flows.read(owner, id);
      if (!rows) throw new AppError('flow_not_found', `There is no flow "${id}"`);
      const planned = planRetry(rows, wanted);
      if (planned.length === 0) return [];
      const more = planned.filter((task) => !allowed.has(task.id));
      if (more.length > 0 && !(await allow(more.map(({ type }) => type)))) return [];
      for (const task of more) allowed.add(task.id);
      // Before the write, so that no reader of the old output can put it back after.
      await deps.invalidate(planned.map((task) => ({ owner, id: task.id })));
      const tasks = await flows.retry(rows.flow, planned, now());
      if (tasks.length === 0) continue;
      await tell(tasks);
      return tasks;
    }
    throw new AppError('overloaded', 'The flow changes too fast just now; try again', {
      retryAfterSeconds: 1,
    });
  };

  return {
    get: getFlow,

    /** Cancels all that has not ended. */
    async cancel(owner: string, id: string): Promise<Flow> {
      await ensureAlarmBy(now() + RESEND_AFTER_MS);
      const tasks = await flows.cancel({ owner, id }, now());
      const flow = await getFlow(owner, id);
      if (tasks.length === 0 && flow.status !== 'CANCELLED') throw refuse('cancel', flow);
      await tell(tasks);
      const long = tasks.filter(
        ({ started_at, timeout_ms }) => started_at !== null && timeout_ms > deps.longTaskMs,
      );
      await Promise.all(long.map((task) => longTasks.terminate(task)));
      return flow;
    },

    /** Runs again what failed or was cancelled, and goes on from there. */
    async retry(owner: string, id: string, allow: AllowRetry): Promise<Flow> {
      const tasks = await retryTasks(owner, id, null, allow);
      const flow = await getFlow(owner, id);
      if (tasks.length === 0) throw refuse('retry', flow);
      return flow;
    },

    /** The same for some of its tasks. Returns what went back. */
    async retryMany(
      owner: string,
      ids: readonly string[],
      allow: AllowRetry,
    ): Promise<TaskSummaryRow[]> {
      const found = await flows.findFlowsOf(owner, ids);
      const back: TaskSummaryRow[] = [];
      for (const [flow, tasks] of Map.groupBy(found, ({ flow_id }) => flow_id)) {
        const wanted = new Set(tasks.map((task) => task.id));
        back.push(...(await retryTasks(owner, flow, wanted, allow)));
      }
      return back;
    },

    /** Deletes a flow that has ended, with all of its tasks. */
    async remove(owner: string, id: string): Promise<void> {
      if (!(await flows.markDeleted({ owner, id }, now())))
        throw refuse('delete', await getFlow(owner, id));
      await deps.closeStreams(owner, [id]);
      // Should this be interrupted, the clock goes on.
      await ensureAlarmBy(now());
      for (;;) {
        const { tasks, leftovers } = await flows.deleteMarked(owner, DELETED_AT_ONCE);
        const ids = tasks.map((task) => task.id);
        await Promise.all([
          deps.invalidate(tasks),
          deps.closeStreams(owner, ids),
          deps.removeLeftovers(leftovers),
        ]);
        if (tasks.length < DELETED_AT_ONCE) return;
      }
    },
  };
};

export type FlowCommands = ReturnType<typeof createFlowCommands>;
