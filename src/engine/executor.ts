import { GiveUp, describeError, RetryLater } from '../domain/errors.ts';
import { measureDepth, MAX_RESULT_DEPTH, parseJson } from '../domain/json.ts';
import type { Outcome } from '../domain/retry.ts';
import type { Task } from '../domain/task.ts';
import type { Files, Handler, HandlerDependencies, OwnTasks } from '../handlers/handler.ts';
import { createProviderFetch, type CountRequest } from '../handlers/provider-fetch.ts';
import type { Logger } from '../log.ts';

/** Largest result, as UTF-8 JSON. */
export const MAX_RESULT_BYTES = 1_048_576;

export interface ExecutorDeps {
  findHandler(type: string): Handler | undefined;
  world: HandlerDependencies;
  /** What a task may read and change: its owner's, and nobody else's. */
  ownedBy(owner: string): { files: Files; tasks: OwnTasks };
  /** Told of every request to a provider. */
  countRequest: CountRequest;
  log: Logger;
}

/** The world of a running task. */
export interface RunOptions {
  /** Begins to look after the task, and gives the signal that aborts when it is no longer ours: cancelled, deleted or taken back. */
  watchLease(): AbortSignal;
  progress(fraction: number, note?: string): void;
}

class TimedOut extends Error {}

const failed = (code: string, message: string, retryable = false): Outcome => ({
  kind: 'failed',
  error: { code, message },
  retryable,
});

/** Refuses, instead of dropping in silence, what JSON has no word for. */
const onlyJson = (_key: string, value: unknown): unknown => {
  if (typeof value === 'function' || typeof value === 'symbol')
    throw new TypeError(`A ${typeof value} is not JSON`);
  return value;
};

/** The handler's return value as an outcome. Nothing returned is null. */
const outcomeOf = (value: unknown): Outcome => {
  let result: string;
  try {
    result = JSON.stringify(value ?? null, onlyJson);
  } catch (error) {
    return failed('bad_result', `The result is not JSON: ${describeError(error)}`);
  }
  // Counted only where it can be too much: a UTF-16 unit has three bytes at most.
  const bytes =
    result.length * 3 > MAX_RESULT_BYTES ? new TextEncoder().encode(result).byteLength : 0;
  if (bytes > MAX_RESULT_BYTES) {
    return failed(
      'result_too_large',
      `The result has ${bytes} bytes, more than the ${MAX_RESULT_BYTES} that fit: write it to a file and return its name`,
    );
  }
  if (measureDepth(result) > MAX_RESULT_DEPTH)
    return failed('bad_result', `The result is nested deeper than ${MAX_RESULT_DEPTH} levels`);
  return { kind: 'completed', result };
};

/** Anything thrown, as an outcome. */
const outcomeOfThrown = (thrown: unknown): Outcome => {
  if (thrown instanceof TimedOut) return failed('timeout', thrown.message, true);
  if (thrown instanceof GiveUp) return failed(thrown.code, describeError(thrown));
  if (!(thrown instanceof RetryLater)) return failed('handler_error', describeError(thrown), true);
  const { code, seconds } = thrown;
  const error = { code, message: describeError(thrown) };
  return {
    kind: 'failed',
    error,
    retryable: true,
    ...(seconds !== undefined && { retryAfterMs: seconds * 1_000 }),
  };
};

/** Rejects at the timeout or when the task is taken away; the handler's signal aborts then, but it may not look at it. */
const deadline = (timeoutMs: number, taken: AbortSignal) => {
  const abort = new AbortController();
  let clear = (): void => {};
  const passed = new Promise<never>((_, reject) => {
    const end = (error: unknown): void => {
      reject(error);
      abort.abort(error);
    };
    const timer = setTimeout(
      () => end(new TimedOut(`No result within ${timeoutMs / 1_000} s`)),
      timeoutMs,
    );
    const take = (): void => end(taken.reason);
    taken.addEventListener('abort', take, { once: true });
    clear = () => {
      clearTimeout(timer);
      taken.removeEventListener('abort', take);
    };
  });
  return { passed, clear, signal: abort.signal };
};

/** Runs one claimed task. */
export const createExecutor = ({
  findHandler,
  world,
  ownedBy,
  countRequest,
  log,
}: ExecutorDeps) => ({
  /** Always resolves: whatever the handler does becomes an outcome. */
  async run(task: Task, { watchLease, progress }: RunOptions): Promise<Outcome> {
    const handler = findHandler(task.type);
    if (!handler)
      return failed(
        'unknown_type',
        `No handler for the type "${task.type}" in this version of the service`,
      );
    // Parsed again: the row may be older than the code.
    const params = handler.params.safeParse(parseJson(task.params));
    if (!params.success) return failed('bad_params', describeError(params.error));
    const missing = handler.needs.filter((name) => world.secrets[name] === undefined);
    if (missing.length > 0) {
      return failed(
        'not_configured',
        `The type "${handler.type}" needs ${missing.join(', ')}: set it and submit again`,
      );
    }
    const { id: task_id, owner, attempt, request_id } = task;
    const fields = { task_id, task_name: task.type, owner, attempt, request_id };
    log.debug('task_started', fields);
    // Nobody can interrupt a handler that computes its result and returns it: timers are for those that wait.
    let limit: ReturnType<typeof deadline> | undefined;
    const limited = () => (limit ??= deadline(task.timeout_ms, watchLease()));
    const context = {
      ...world,
      get fetch() {
        return createProviderFetch({
          fetch: world.fetch,
          signal: limited().signal,
          count: countRequest,
          type: handler.type,
        });
      },
      get signal() {
        return limited().signal;
      },
      // Most handlers need but their parameters.
      get files() {
        return ownedBy(owner).files;
      },
      get tasks() {
        return ownedBy(owner).tasks;
      },
      get log() {
        return log.with(fields);
      },
      taskId: task_id,
      params: params.data,
      attempt,
      progress,
    };
    try {
      const returned = handler.run(context);
      return outcomeOf(
        isPromise(returned) ? await Promise.race([limited().passed, returned]) : returned,
      );
    } catch (thrown) {
      return outcomeOfThrown(thrown);
    } finally {
      limit?.clear();
    }
  },
});

const isPromise = (value: unknown): value is Promise<unknown> =>
  typeof (value as Promise<unknown> | null)?.then === 'function';

export type Executor = ReturnType<typeof createExecutor>;
