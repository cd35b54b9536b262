import { startTimer } from '../domain/timer.ts';
import {
  createRequest,
  TaskerError,
  type ClientOptions,
  type Problem,
  type RequestBody,
  type RequestOptions,
} from './request.ts';
import { toQuery, type ListOptions } from './list-options.ts';
import { splitTasks } from './split-tasks.ts';
import { createTaskCommands, taskPath } from './commands.ts';
import { createExportCalls } from './exports.ts';
import { createScheduleCalls } from './schedules.ts';
import { createFlowCalls } from './flows.ts';
import { createLimitCalls } from './limits.ts';
import { createTypeCommands } from './type-commands.ts';
import type { Frame } from './frames.ts';
import type { NewTask, Status, TaskDetail, TaskView } from './types.ts';
import { watch } from './watch.ts';

// The client for Node (20 or later), Bun, Deno and browsers. It has no dependency.

export { TaskerError };
export { createWorker, type Worker } from './worker.ts';
export type { WorkerOptions } from './worker-options.ts';
export { GiveUp, RetryLater, Snooze } from '../domain/errors.ts';
export type { WorkerContext, WorkerHandler } from './run-handler.ts';
export type { ClientOptions, ListOptions, Problem };
export type { Restored } from './exports.ts';
export type * from './types.ts';
export type * from './frames.ts';
export type * from './schedule-types.ts';
export type * from './limit-types.ts';
export type * from './flow-types.ts';
export { flow, item, literal, type FlowBuilder, type FlowNode } from './flow-builder.ts';

export interface SubmitOptions {
  /**
   * The same key and task give the same task. Unset: a random one, so that repeating a lost request
   * is safe.
   */
  idempotencyKey?: string;
  /** Seconds that the service holds the answer back for the task to become final; 25 at most. */
  waitSeconds?: number;
  signal?: AbortSignal;
}

export interface WaitOptions {
  /** ms. Unset: for ever. */
  timeout?: number;
  signal?: AbortSignal;
}

interface Page {
  pagination: { next_cursor: string | null };
  tasks: TaskView[];
}

/**
 * A client of a Tasker service. Every call throws `TaskerError` with a stable `code` when it is
 * refused.
 * @example const tasker = createTasker({ baseUrl: 'http://localhost:8787' }); const { task_id } =
 * await tasker.submit({ type: 'sum', params: { a: 5, b: 3 } }); console.log((await
 * tasker.wait(task_id)).result);
 */
export const createTasker = (options: ClientOptions) => {
  const send = createRequest(options);
  const { retries = 3 } = options;
  const json = <T>(path: string, request: RequestOptions = {}): Promise<T> =>
    send(path, request, async (response): Promise<T> => {
      const body: unknown = response.status === 204 ? undefined : await response.json();
      return body as T;
    });
  const tasker = {
    /** Submits a task. */
    submit(
      task: NewTask,
      { idempotencyKey = crypto.randomUUID(), waitSeconds, signal }: SubmitOptions = {},
    ): Promise<TaskView> {
      const headers = {
        'Idempotency-Key': idempotencyKey,
        ...(waitSeconds !== undefined && { Prefer: `wait=${waitSeconds}` }),
      };
      return json('/tasks', { method: 'POST', json: task, headers, signal, isRepeatable: true });
    },

    /**
     * Submits any number of tasks, 1 000 a request; what a refused request would have held is not
     * stored.
     */
    async submitMany(
      tasks: readonly NewTask[],
      { idempotencyKey = crypto.randomUUID(), signal }: Omit<SubmitOptions, 'waitSeconds'> = {},
    ): Promise<{ task_id: string; status: Status }[]> {
      const accepted: { task_id: string; status: Status }[] = [];
      const chunks = splitTasks(tasks);
      for (const [i, chunk] of chunks.entries()) {
        const headers = {
          'Idempotency-Key': chunks.length === 1 ? idempotencyKey : `${idempotencyKey}/${i}`,
        };
        const answer = await json<{ tasks: typeof accepted }>('/tasks/bulk', {
          method: 'POST',
          json: { tasks: chunk },
          headers,
          signal,
          isRepeatable: true,
        });
        accepted.push(...answer.tasks);
      }
      return accepted;
    },

    /** A task with its attempts. */
    get: (id: string, signal?: AbortSignal): Promise<TaskDetail> => json(taskPath(id), { signal }),

    /** All tasks that fit, newest first, page by page as they are read. */
    async *list({ signal, ...filters }: ListOptions = {}): AsyncGenerator<TaskView> {
      const query = toQuery(filters);
      for (let cursor: string | null = ''; cursor !== null;) {
        query.set('cursor', cursor);
        const page: Page = await json(`/tasks?${query.toString()}`, { signal });
        yield* page.tasks;
        cursor = page.pagination.next_cursor;
      }
    },

    /** The frames of a task as they come; ends after the final one. Opens a broken stream again. */
    watch: (id: string, { signal }: { signal?: AbortSignal } = {}): AsyncGenerator<Frame> =>
      watch(send, taskPath(id, '/events'), { signal, retries }),

    /** The changes of all tasks; ends only when the caller stops reading. */
    watchAll: ({ signal }: { signal?: AbortSignal } = {}): AsyncGenerator<Frame> =>
      watch(send, '/events', { signal, retries }),

    /**
     * The task once it is final. Throws a `TimeoutError` (DOMException) when that takes too long.
     */
    async wait(id: string, { timeout, signal }: WaitOptions = {}): Promise<TaskDetail> {
      const late = new AbortController();
      const stopTimer = startTimer(
        () => late.abort(new DOMException('The task is not final in time', 'TimeoutError')),
        timeout ?? Infinity,
      );
      const either = AbortSignal.any([late.signal, ...(signal ? [signal] : [])]);
      try {
        const frames = watch(send, taskPath(id, '/events'), { signal: either, retries });
        while (!(await frames.next()).done);
        return await tasker.get(id, either);
      } finally {
        stopTimer();
      }
    },

    /** Calls any other endpoint; returns the JSON of its answer, undefined for a 204. */
    request: json,

    ...createExportCalls(send, json),
    ...createTaskCommands(json),
    ...createTypeCommands(json),
    schedules: createScheduleCalls(json),
    limits: createLimitCalls(json),
    flows: createFlowCalls(json, (path, wish) => watch(send, path, { ...wish, retries })),
    async remove(id: string): Promise<void> {
      await send(taskPath(id), { method: 'DELETE' });
    },

    /**
     * A token by which a browser reads this task and its stream, and nothing else; sent as
     * `Authorization: Bearer …`, or as `apiKey` of a client. `seconds`: 3 600 unless given.
     */
    createToken: (
      id: string,
      { seconds }: { seconds?: number } = {},
    ): Promise<{ token: string; expires_at: string }> =>
      json(taskPath(id, '/token'), {
        method: 'POST',
        json: seconds === undefined ? {} : { expires_in_seconds: seconds },
        isRepeatable: true,
      }),

    /** Uploads a file for `file_processing`. */
    putFile: (
      name: string,
      body: RequestBody,
      contentType = 'application/octet-stream',
    ): Promise<{ name: string; bytes: number; etag: string }> =>
      json(`/files/${encodeURIComponent(name)}`, {
        method: 'PUT',
        body,
        headers: { 'Content-Type': contentType },
      }),
    getFile: (name: string): Promise<Response> => send(`/files/${encodeURIComponent(name)}`),
  };
  return tasker;
};

export type Tasker = ReturnType<typeof createTasker>;
