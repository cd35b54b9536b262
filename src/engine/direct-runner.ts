import { isLarge } from '../domain/body.ts';
import { LEASE_MARGIN_MS } from '../domain/lifecycle.ts';
import { endDirectly, MAX_DIRECT_TIMEOUT_MS, startDirectly } from '../domain/direct-run.ts';
import { describeError } from '../domain/errors.ts';
import type { Outcome } from '../domain/retry.ts';
import { isLightQueue } from '../domain/routing.ts';
import type { Task } from '../domain/task.ts';
import { withTimeout } from '../domain/timeout.ts';
import type { Catalog } from '../handlers/catalog.ts';
import type { Logger } from '../log.ts';
import type { LeaseStore } from '../store/leases.ts';
import type { Executor } from './executor.ts';
import { toMessageDelay } from './message-tracker.ts';
import type { Recorder } from './recorder.ts';
import type { TaskQueues } from './task-queues.ts';
import type { StartTaskRunner, StartTracing, TaskRunner } from './task-runner.ts';

/** A pure task that takes longer is stored before it is run. */
const MAX_PURE_MS = 50;

export interface DirectRunnerDeps {
  catalog: Pick<Catalog, 'find'>;
  executor: Executor;
  startRunner: StartTaskRunner;
  startTracing: StartTracing;
  /** Of outcomes by the Dispatcher, which publishes them. */
  recorder: Recorder;
  taskQueues: Pick<TaskQueues, 'enqueue'>;
  leases: Pick<LeaseStore, 'renew'>;
  now(): number;
  log: Logger;
}

/** Turns of microtasks in which a handler ends that waits for nothing. */
const TURNS = 20;
/** The outcome of a run that waits for nothing: it needs no timer. */
const findOutcome = async (running: Promise<Outcome>): Promise<Outcome | null> => {
  let found: Outcome | null = null;
  // Who waits for it longer hears of a failure.
  void running.then(
    (outcome) => (found = outcome),
    () => {},
  );
  for (let turn = 0; turn < TURNS && found === null; turn += 1) await Promise.resolve();
  return found;
};

/** Light tasks that nothing keeps, as far as their rows tell: their statement knows the rest. */
const mayRunDirectly = (task: Task): boolean =>
  task.status === 'PENDING' &&
  isLightQueue(task.queue) &&
  task.timeout_ms <= MAX_DIRECT_TIMEOUT_MS &&
  !isLarge(task.params) &&
  task.limit_key === null &&
  task.unique_key === null;

/**
 * Runs a task for a caller who waits for it, in the very Worker that accepts it: it goes through no
 * queue. Should that Worker die, the lease brings the task back, and its queue has it from then on.
 */
export const createDirectRunner = (deps: DirectRunnerDeps) => {
  const { catalog, executor, startTracing, recorder, taskQueues, leases, now, log } = deps;

  /** The result of a pure task; null where it has none at once, or says more than a result. */
  const computeAtOnce = async (started: Task): Promise<string | null> => {
    const abort = new AbortController();
    let isPlain = true;
    const speak = (): void => void (isPlain = false);
    const words = { progress: speak, output: speak, log: speak, saveCheckpoint: speak };
    const execute = (): Promise<Outcome> =>
      executor.execute(started, { watchLease: () => abort.signal, ...words });
    const running = startTracing()(started, execute);
    const outcome =
      (await findOutcome(running)) ?? (await withTimeout(MAX_PURE_MS, running).catch(() => null));
    if (outcome === null) abort.abort(new Error('It is run again, from its row'));
    if (outcome?.kind !== 'completed' || !isPlain) return null;
    return isLarge(outcome.result) ? null : outcome.result;
  };

  /** Whether its lease lasts for its whole time; it began before the task was stored. */
  const isHeld = async ({ owner, id, attempt, timeout_ms, wake_at }: Task): Promise<boolean> => {
    const marginMs = Number(wake_at) - now() - timeout_ms;
    if (marginMs > LEASE_MARGIN_MS / 2) return true;
    try {
      return (await leases.renew([{ owner, id, attempt, progress: null }], now())).has(id);
    } catch (error) {
      log.warn('lease_not_renewed', { task_id: id, error: describeError(error) });
      return marginMs > 0;
    }
  };

  return {
    /**
     * The new task as its direct run makes it, not stored yet: COMPLETED if it is pure and quick,
     * otherwise under a lease. Null: it goes through its queue.
     */
    async begin(task: Task): Promise<Task | null> {
      if (!mayRunDirectly(task)) return null;
      const handler = catalog.find(task.owner, task.type);
      if (!handler || handler.outside || handler.isMetered) return null;
      const started = startDirectly(task, now());
      const result = handler.isPure ? await computeAtOnce(started) : null;
      return result === null
        ? startDirectly(task, now())
        : endDirectly(started, result, Math.max(now(), started.updated_at));
    },

    /**
     * Runs a task that was stored under its lease, and records how its attempt ended; the row then,
     * null where another writer was faster or the database does not answer. Never rejects.
     */
    async run(started: Task): Promise<Task | null> {
      let runner: TaskRunner | undefined;
      try {
        if (!(await isHeld(started))) return null;
        runner = deps.startRunner();
        const outcome = await runner.runTask(started);
        if (outcome === null) return null;
        const { verdict, row } = await recorder.forBatch(1).record(started, outcome);
        const delay = toMessageDelay(started, verdict);
        if (delay !== null) await taskQueues.enqueue([started], () => delay);
        return row;
      } catch (error) {
        const { id: task_id, attempt } = started;
        log.error('outcome_not_recorded', { task_id, attempt, error: describeError(error) });
        return null;
      } finally {
        runner?.stop();
      }
    },
  };
};

export type DirectRunner = ReturnType<typeof createDirectRunner>;
