import { Busy } from '../domain/busy.ts';
import { describeError } from '../domain/errors.ts';
import { parseJson } from '../domain/json.ts';
import type { Outcome } from '../domain/retry.ts';
import type { Task } from '../domain/task.ts';
import type { Catalog } from '../handlers/catalog.ts';
import type { Files, HandlerDependencies, OwnTasks } from '../handlers/handler.ts';
import type { ChildTask } from '../handlers/run-voice-context.ts';
import type { CallEndpoint } from '../handlers/outside-run.ts';
import { createProviderFetch, type CountRequest } from '../handlers/provider-fetch.ts';
import type { Logger } from '../log.ts';
import { createRunParams, type GivenParams, type RunParamsDeps } from './run-params.ts';
import { startDeadline, type Deadline } from './deadline.ts';
import { toFailure, toOutcome } from './outcome.ts';
import { createRunContext, type RunContextDeps, type RunSpeech } from './run-context.ts';

export interface ExecutorDeps extends RunParamsDeps {
  catalog: Pick<Catalog, 'find' | 'load'>;
  dependencies: HandlerDependencies;
  /** Files and tasks of this task's owner, and of no other. */
  forOwner(owner: string): { files: Files; tasks: OwnTasks };
  callEndpoint: CallEndpoint;
  runSteps: RunContextDeps['runSteps'];
  submitChild: RunContextDeps['submitChild'];
  /** Lets no task under a limit begin for so long. */
  pauseLimit(owner: string, key: string, ms: number): Promise<unknown>;
  now(): number;
  wait(ms: number): Promise<void>;
  /** Called for every request to a provider. */
  countRequest: CountRequest;
  log: Logger;
}

export interface ExecuteOptions extends RunSpeech {
  /**
   * Adds the task to a heartbeat and gives the signal that aborts when it is cancelled, deleted or
   * taken back.
   */
  watchLease(): AbortSignal;
  progress(fraction: number, note?: string): void;
}

/** Calls the handler of a claimed task. */
export const createExecutor = (deps: ExecutorDeps) => {
  const { catalog, dependencies, forOwner, callEndpoint, countRequest, log } = deps;
  const { readParams, prepare } = createRunParams(deps);

  /** What one was told holds for all under its limit; best effort. */
  const pauseLimit = async ({ owner, limit_key: key }: Task, { seconds }: Busy): Promise<void> => {
    if (key === null || seconds === undefined) return;
    await deps.pauseLimit(owner, key, seconds * 1_000).catch((error: unknown) => {
      log.warn('limit_not_paused', { owner, error: describeError(error) });
    });
  };

  const run = async (task: Task, given: GivenParams, options: ExecuteOptions): Promise<Outcome> => {
    const { watchLease, progress } = options;
    const prepared = prepare(task, given);
    if (!('handler' in prepared)) return prepared;
    const { handler, params } = prepared;
    const { id: task_id, owner, attempt, request_id } = task;
    const fields = { task_id, task_name: task.type, owner, attempt, request_id };
    log.debug('task_started', fields);
    // A handler that computes its result and returns it cannot be interrupted: timers are for
    // those that wait.
    let deadline: Deadline | undefined;
    const useDeadline = (): Deadline => (deadline ??= startDeadline(task.timeout_ms, watchLease()));
    // Made on demand: most handlers need only their parameters.
    let said: ReturnType<typeof createRunContext> | undefined;
    const useRun = () =>
      (said ??= createRunContext(task, { ...deps, ...options, watch: useDeadline }));
    const context = {
      ...dependencies,
      get fetch() {
        const { signal } = useDeadline();
        const { fetch } = dependencies;
        return createProviderFetch({ fetch, signal, count: countRequest, type: handler.type });
      },
      get signal() {
        return useDeadline().signal;
      },
      get files() {
        return forOwner(owner).files;
      },
      get tasks() {
        return forOwner(owner).tasks;
      },
      get log() {
        return useRun().context.log;
      },
      output: (text: string) => useRun().context.output(text),
      saveCheckpoint: (data: unknown) => useRun().context.saveCheckpoint(data),
      step: <Result>(name: string, work: () => Result | Promise<Result>) =>
        useRun().context.step(name, work),
      submit: (child: ChildTask) => useRun().context.submit(child),
      taskId: task_id,
      params,
      attempt,
      checkpoint: task.checkpoint === null ? null : parseJson(task.checkpoint),
      progress,
    };
    try {
      const { outside } = handler;
      const { checkpoint } = context;
      const returned =
        outside?.kind === 'endpoint'
          ? callEndpoint({
              outside,
              task,
              params,
              checkpoint,
              signal: useDeadline().signal,
              output: context.output,
              log: (level, ...words) => context.log[level](...words),
            })
          : handler.run(context);
      const isPending = isPromise(returned);
      return toOutcome(isPending ? await Promise.race([useDeadline().passed, returned]) : returned);
    } catch (thrown) {
      const outcome = toFailure(thrown);
      if (thrown instanceof Busy) await pauseLimit(task, thrown);
      const saved = said?.readCheckpoint();
      const isOpen = outcome.kind === 'failed' || outcome.kind === 'snoozed';
      return isOpen && saved !== undefined ? { checkpoint: saved, ...outcome } : outcome;
    } finally {
      deadline?.clear();
      // Its rule of retries is asked for next, and others may have pushed it out meanwhile.
      if (handler.outside) await catalog.load(owner, [task.type])?.catch(() => {});
    }
  };

  return {
    /** Always resolves: whatever the handler does becomes an outcome. */
    async execute(task: Task, options: ExecuteOptions): Promise<Outcome> {
      // Those that owners registered; a built-in type is known.
      const loading = catalog.load(task.owner, [task.type]);
      if (loading) await loading;
      const read = readParams(task);
      const given = read instanceof Promise ? await read : read;
      if (!('params' in given)) return given;
      const running = run(task, given, options);
      return given.release ? running.finally(given.release) : running;
    },
  };
};

const isPromise = (value: unknown): value is Promise<unknown> =>
  typeof (value as Promise<unknown> | null)?.then === 'function';

export type Executor = ReturnType<typeof createExecutor>;
