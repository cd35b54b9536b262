import { MAX_CHECKPOINT_BYTES } from '../domain/run-limits.ts';
import { GiveUp } from '../domain/errors.ts';
import { pause, refuseNonNumbers, TaskerError, type SendJson } from './request.ts';
import type { NewTask } from './types.ts';

/** What could not be kept is tried again after these, ms. */
const AGAIN_AFTER_MS = [200, 1_000, 3_000];

/** What a handler keeps for the runs after it. */
export interface RunKeepContext {
  /** Where another run would go on: JSON of at most 16 KB, saved at once. */
  saveCheckpoint(data: unknown): Promise<void>;
  /**
   * Runs `work` once for all attempts of the task: resolves once its result (JSON, 16 KB) is stored, and
   * a later attempt is given that.
   */
  step<Result>(name: string, work: () => Result | Promise<Result>): Promise<Result>;
  /** Submits a task of the same owner; the n-th of a run is the n-th of the run before. */
  submit(task: NewTask): Promise<{ taskId: string }>;
}

/** JSON that fits, or a failure for good. */
export const toKept = (value: unknown, what: string): unknown => {
  const text = JSON.stringify(value ?? null, refuseNonNumbers) as string | undefined;
  if (text === undefined) throw new GiveUp(`The ${what} is no JSON`, 'bad_checkpoint');
  if (new TextEncoder().encode(text).byteLength > MAX_CHECKPOINT_BYTES)
    throw new GiveUp(
      `The ${what} has more than ${MAX_CHECKPOINT_BYTES} bytes`,
      'checkpoint_too_large',
    );
  return JSON.parse(text);
};

/**
 * What one run keeps: told until the service has it, or refuses it.
 * @param send sends with the token of the run
 */
export const createRunKeep = (send: SendJson, { attempt }: { attempt: number }): RunKeepContext => {
  /** Until the service has it. */
  const keep = async <T>(path: string, json?: object): Promise<T> => {
    for (const ms of [...AGAIN_AFTER_MS, null])
      try {
        return await send<T>(path, json === undefined ? {} : { method: 'POST', json });
      } catch (error) {
        const mayPass = !(error instanceof TaskerError) || error.isPassing;
        if (!mayPass || ms === null) throw error;
        await pause(ms);
      }
    throw new Error('unreachable');
  };

  interface Step {
    name: string;
    result: unknown;
  }
  let steps: Promise<Map<string, unknown>> | undefined;
  const loadSteps = async (): Promise<Map<string, unknown>> => {
    const known = attempt > 1 ? (await keep<{ steps: Step[] }>('/runs/steps')).steps : [];
    return new Map(known.map(({ name, result }) => [name, result]));
  };
  let children = 0;

  return {
    async saveCheckpoint(data) {
      await keep('/runs/checkpoint', { data: toKept(data, 'checkpoint') });
    },
    async step<Result>(name: string, work: () => Result | Promise<Result>) {
      steps ??= loadSteps();
      const known = await steps.catch((error: unknown) => {
        steps = undefined;
        throw error;
      });
      if (known.has(name)) return known.get(name) as Result;
      const result = toKept(await work(), `result of the step "${name}"`);
      const saved = await keep<Step>('/runs/steps', { name, result });
      known.set(name, saved.result);
      return saved.result as Result;
    },
    async submit(task) {
      const n = children;
      children += 1;
      const { task_id } = await keep<{ task_id: string }>('/runs/tasks', { n, task });
      return { taskId: task_id };
    },
  };
};
