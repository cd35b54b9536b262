import { findStack, GiveUp, RetryLater, Snooze } from '../domain/errors.ts';
import { createRunWords, type RunWordsContext } from './run-words.ts';
import { withoutPrints, withPrints } from './prints.ts';
import { createRunKeep, toKept, type RunKeepContext } from './run-keep.ts';
import { startTimer } from '../domain/timer.ts';
import { MAX_RESULT_BYTES } from '../domain/body.ts';
import { isObject } from '../domain/json.ts';
import { pause, refuseNonNumbers, TaskerError, type SendJson } from './request.ts';
import { createDeferred } from './deferred.ts';
import type { Letter, RunResult } from './outbox.ts';

/** A task as `POST /work` leases it. */
export interface LeasedTask {
  task_id: string;
  type: string;
  attempt: number;
  params: unknown;
  checkpoint: unknown;
  tags: string[];
  submitted_at: string;
  traceparent: string | null;
  timeout_seconds: number;
  run: string;
}

/** The answer of `POST /work`. */
export interface WorkAnswer {
  tasks: LeasedTask[];
  ended: string[];
  settled: { run: string; status: string | null; recorded: boolean }[];
}

export const readWork = async (response: Response): Promise<WorkAnswer> => {
  const body: unknown = await response.json();
  return body as WorkAnswer;
};

/** What a handler sees of its task. */
export interface WorkerContext extends RunWordsContext, RunKeepContext {
  // oxlint-disable-next-line typescript/no-explicit-any -- its author knows what the type takes.
  params: any;
  taskId: string;
  type: string;
  /** 1 for the first run. */
  attempt: number;
  tags: string[];
  checkpoint: unknown;
  /** Aborts when the task is cancelled, taken back, or out of time. */
  signal: AbortSignal;
  /** `fraction` 0 to 1, and a short note for people. */
  progress(fraction: number, note?: string): void;
}
/** Runs one task; what it returns is the result. */
export type WorkerHandler = (context: WorkerContext) => unknown;

/** A larger result is sent by itself. */
const MAX_TOLD_BYTES = 1_000_000;
const MAX_MESSAGE_CHARS = 2_000;
/** What could not be sent is sent again so often. */
const MAX_TRIES = 4;
/** A year. */
const MAX_DELAY_SECONDS = 31_536_000;
const encoder = new TextEncoder();

/** A result as it is told; null for one that was so large that it was sent already. */
const toResult = async (run: string, value: unknown, send: SendJson): Promise<Letter | null> => {
  const text = JSON.stringify(value ?? null, refuseNonNumbers);
  if (text === undefined) throw new TypeError(`A ${typeof value} is no result: JSON cannot say it`);
  const bytes = new Uint8Array(encoder.encode(text));
  const size = bytes.byteLength;
  if (size <= MAX_TOLD_BYTES) return { end: { run, result: JSON.parse(text) as unknown }, size };
  if (size <= MAX_RESULT_BYTES) return sendLarge(bytes, send);
  const message = `The result has ${size} bytes, more than the ${MAX_RESULT_BYTES} that fit: write it to files`;
  return toLetter({ run, error: { code: 'result_too_large', message }, retry: false });
};

/** Ends the run by its result; a run that is over meanwhile is nobody's loss. */
const sendLarge = async (bytes: Uint8Array<ArrayBuffer>, send: SendJson): Promise<null> => {
  const headers = { 'Content-Type': 'application/json' };
  for (let tries = 0; ; tries += 1)
    try {
      await send('/runs/result', { method: 'PUT', body: bytes, headers });
      return null;
    } catch (error) {
      if (error instanceof TaskerError && error.code === 'run_over') return null;
      const isPassing = !(error instanceof TaskerError) || error.isPassing;
      if (!isPassing || tries === MAX_TRIES) throw error;
      await pause(250 * 2 ** tries);
    }
};

/** The parameters, which are asked for by themselves where they are large. */
const readParams = async ({ params }: LeasedTask, send: SendJson): Promise<unknown> =>
  isObject(params) && isObject(params['$body']) && params['$body']['url'] === '/runs/params'
    ? send('/runs/params')
    : params;

/** Of an error, whose message is short. */
const toLetter = (end: RunResult): Letter => ({ end, size: 4 * MAX_MESSAGE_CHARS });

const toSnoozed = (run: string, { seconds, checkpoint }: Snooze): Letter => {
  const delay = Number.isNaN(seconds) ? 0 : Math.min(Math.max(seconds, 0), MAX_DELAY_SECONDS);
  const kept = checkpoint === undefined ? {} : { checkpoint: toKept(checkpoint, 'checkpoint') };
  return toLetter({ run, snooze: { seconds: delay, ...kept } });
};

const toFailure = (run: string, thrown: unknown): Letter => {
  const text = thrown instanceof Error ? thrown.message || thrown.name : String(thrown);
  const message = text.slice(0, MAX_MESSAGE_CHARS);
  if (thrown instanceof Snooze)
    try {
      return toSnoozed(run, thrown);
    } catch (error) {
      return toFailure(run, error);
    }
  if (thrown instanceof GiveUp)
    return toLetter({ run, error: { code: thrown.code, message }, retry: false });
  if (!(thrown instanceof RetryLater)) {
    const stack = findStack(thrown);
    return toLetter({ run, error: stack === undefined ? { message } : { message, stack } });
  }
  const { code, seconds } = thrown;
  const isDelay = seconds !== undefined && seconds >= 0 && seconds <= MAX_DELAY_SECONDS;
  const delay = isDelay ? { retry_after_seconds: seconds } : {};
  return toLetter({ run, error: { code, message }, ...delay });
};

/** Runs a handler; always resolves, with what is to be told of the run: nothing where it was told already. */
export const runHandler = async (
  handler: WorkerHandler,
  task: LeasedTask,
  abort: AbortController,
  send: SendJson,
  tellError: (error: unknown) => void,
): Promise<Letter | null> => {
  const onError = (error: unknown): void => withoutPrints(() => tellError(error));
  const words = createRunWords(send, onError);
  const progress = (fraction: number, note?: string): void =>
    void send('/runs/progress', {
      method: 'POST',
      json: { fraction, ...(note !== undefined && { note: note.slice(0, 200) }) },
    }).catch(onError);
  const seconds = task.timeout_seconds;
  const late = new DOMException(`No result within ${seconds} s`, 'TimeoutError');
  const stopTimer = startTimer(() => abort.abort(late), seconds * 1_000);
  const { promise: aborted, reject } = createDeferred<never>();
  aborted.catch(() => {});
  abort.signal.addEventListener('abort', () => reject(abort.signal.reason as Error), {
    once: true,
  });
  try {
    const { task_id: taskId, type, attempt, tags, checkpoint } = task;
    const params = await readParams(task, send);
    const { signal } = abort;
    const about = { params, taskId, type, attempt, tags, checkpoint, signal, progress };
    const run = () => handler({ ...about, ...words.context, ...createRunKeep(send, task) });
    const running = Promise.resolve(withPrints(words.context.log, run));
    const value = await Promise.race([running, aborted]);
    return await toResult(task.run, value, send);
  } catch (thrown) {
    if (thrown === late)
      return toLetter({ run: task.run, error: { code: 'timeout', message: late.message } });
    return toFailure(task.run, thrown);
  } finally {
    stopTimer();
    // Before its end is known: whoever sees it has all of the log.
    await words.finish();
  }
};
