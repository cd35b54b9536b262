import {
  isLarge,
  isOutside,
  MAX_EMBEDDED_BYTES,
  MAX_PARAMS_BYTES,
  measureBody,
  PARSED_TIMES,
  readStub,
} from '../domain/body.ts';
import { AppError, describeError } from '../domain/errors.ts';
import type { Task, TaskKey } from '../domain/task.ts';
import type { Logger } from '../log.ts';
import type { BodyKey, BodyStore } from '../store/body-store.ts';
import type { ByteBudget } from '../store/byte-budget.ts';

/** A body that could not be written or read is tried again after these, ms. */
const RETRY_AFTER_MS = [50, 500];

export interface LargeBodiesDeps {
  budget: ByteBudget;
  bodies: Pick<BodyStore, 'put' | 'readText' | 'removeMany'>;
  wait(ms: number): Promise<void>;
  log: Logger;
}

type Bodied = TaskKey & Partial<Pick<Task, 'params' | 'result'>>;

/** The bodies that a row names. */
const findBodies = ({ owner, id, params, result }: Bodied): BodyKey[] =>
  [params, result].flatMap((text) => {
    const name = readStub(text ?? null)?.name;
    return name === undefined ? [] : [{ owner, id, name }];
  });

/** What is too large for its row goes to R2 before the row is written, and comes back when it is read. */
export const createLargeBodies = ({ bodies, budget, wait, log }: LargeBodiesDeps) => {
  const tryAgain = async <T>(event: string, work: () => Promise<T>): Promise<T> => {
    for (const pauseMs of [...RETRY_AFTER_MS, null])
      try {
        return await work();
      } catch (error) {
        log.warn(event, { error: describeError(error) });
        if (pauseMs === null) throw error;
        await wait(pauseMs);
      }
    throw new Error('Unreachable');
  };

  /** A stub; or the text itself where R2 does not answer and its row can hold it. */
  const put = async (key: TaskKey, attempt: number, text: string): Promise<string> => {
    try {
      return await tryAgain('body_not_written', () => bodies.put(key, attempt, text));
    } catch {
      if (measureBody(text) <= MAX_EMBEDDED_BYTES) return text;
      throw new AppError('storage_unavailable', 'What is large could not be stored; try again');
    }
  };

  const load = async ({ owner, id }: TaskKey, stub: string): Promise<string> => {
    const name = readStub(stub)?.name ?? '';
    const text = await tryAgain('body_not_read', () => bodies.readText({ owner, id, name }));
    // Its task was deleted meanwhile.
    return text ?? stub;
  };
  const isLoaded = (text: string | null | undefined, maxBytes: number): text is string =>
    typeof text === 'string' && isOutside(text) && measureBody(text) <= maxBytes;

  const loadOne = async <Row extends Bodied>(row: Row, maxBytes: number): Promise<Row> => {
    const whole = { ...row };
    if (isLoaded(row.params, maxBytes)) whole.params = await load(row, row.params);
    if (isLoaded(row.result, maxBytes)) whole.result = await load(row, row.result);
    return whole;
  };

  return {
    /** New tasks as they are to be stored; 413 for parameters that are too large, 503 without R2. */
    async keepSubmitted(tasks: Task[]): Promise<Task[]> {
      if (!tasks.some(({ params, result }) => isLarge(params) || isLarge(result ?? '')))
        return tasks;
      for (const { params } of tasks)
        if (measureBody(params) > MAX_PARAMS_BYTES)
          throw new AppError(
            'body_too_large',
            `The parameters of a task may have at most ${MAX_PARAMS_BYTES} bytes: send a file`,
          );
      return Promise.all(
        tasks.map(async (task) => ({
          ...task,
          params: isLarge(task.params) ? await put(task, 0, task.params) : task.params,
          result: isLarge(task.result ?? '')
            ? await put(task, 0, String(task.result))
            : task.result,
        })),
      );
    },

    /** A result as it is to be recorded, by this attempt; throws where that is not possible. */
    keepResult: (key: TaskKey, attempt: number, result: string): string | Promise<string> =>
      isLarge(result) ? put(key, attempt, result) : result,

    /** Deletes the bodies of rows that were not stored; never throws. */
    async drop(rows: readonly Bodied[]): Promise<void> {
      const keys = rows.flatMap(findBodies);
      if (keys.length === 0) return;
      await bodies.removeMany(keys).catch((error: unknown) => {
        log.warn('body_not_removed', { tasks: rows.length, error: describeError(error) });
      });
    },

    /** Rows with texts in the place of stubs, up to what an answer may carry unless told. */
    async loadMany<Row extends Bodied>(
      rows: readonly Row[],
      maxBytes = MAX_EMBEDDED_BYTES,
    ): Promise<Row[]> {
      const isWhole = ({ params, result }: Row): boolean =>
        !isLoaded(params, maxBytes) && !isLoaded(result, maxBytes);
      return rows.every(isWhole)
        ? [...rows]
        : Promise.all(rows.map((row) => loadOne(row, maxBytes)));
    },

    /** The text of a stub, however large, and how its memory is given back; throws when it is gone. */
    async hold(key: TaskKey, stub: string): Promise<{ text: string; release(): void }> {
      const release = await budget.take(measureBody(stub) * PARSED_TIMES);
      try {
        const text = await load(key, stub);
        if (isOutside(text)) throw new Error('A body of the task is gone');
        return { text, release };
      } catch (error) {
        release();
        throw error;
      }
    },
  };
};

export type LargeBodies = ReturnType<typeof createLargeBodies>;
