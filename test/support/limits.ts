import { env } from 'cloudflare:workers';
import { v7 as uuidv7 } from 'uuid';
import type { LimitNumbers } from '../../src/domain/limit.ts';
import type { Task } from '../../src/domain/task.ts';
import { createLimitStore } from '../../src/store/limits.ts';
import { aTask, store } from './rows.ts';

export const NO_NUMBERS: LimitNumbers = {
  max_running: null,
  rate_count: null,
  rate_ms: null,
  rate_burst: null,
  sub_max_running: null,
  sub_rate_count: null,
  sub_rate_ms: null,
  sub_rate_burst: null,
};

/** Makes a limit, or gives it other numbers. */
export const putLimit = async (
  owner: string,
  numbers: Partial<LimitNumbers>,
  now: number,
  key = 'k',
): Promise<void> => {
  await createLimitStore(env.DB).put(owner, key, { ...NO_NUMBERS, ...numbers }, now);
};

/** Stores tasks under a limit, which holds them; their sub-keys in turn. */
export const holdTasks = async (
  owner: string,
  count: number,
  now: number,
  { subKeys = [''], key = 'k' }: { subKeys?: readonly string[]; key?: string } = {},
): Promise<Task[]> => {
  const tasks = Array.from({ length: count }, (_, i) =>
    aTask(
      {
        owner,
        id: uuidv7({ msecs: now, seq: i }),
        limitKey: key,
        subKey: subKeys[i % subKeys.length] ?? '',
      },
      now,
    ),
  );
  for (let from = 0; from < count; from += 1_000) await store(...tasks.slice(from, from + 1_000));
  return tasks;
};
