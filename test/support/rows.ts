import { encodeTask } from '../../src/store/inserts.ts';
import { buildTask, type NewTaskFields } from '../../src/domain/new-task.ts';
import { env } from 'cloudflare:workers';
import { v7 as uuidv7 } from 'uuid';
import { type Task } from '../../src/domain/task.ts';
import { QUEUES } from '../../src/domain/routing.ts';
import type { Look } from '../../src/store/look.ts';
import { createTaskStore } from '../../src/store/tasks.ts';

/** The tenant that the Worker under test speaks for. */
export const OWNER = 'local';

/** A `sum` as it would be submitted at `now`, with whatever the test wants otherwise. */
export const aTask = (more: Partial<NewTaskFields> = {}, at?: number): Task =>
  buildTask(
    {
      owner: OWNER,
      id: at === undefined ? uuidv7() : uuidv7({ msecs: at }),
      type: 'sum',
      queue: 'default-medium',
      priority: 'MEDIUM',
      params: { a: 1, b: 2 },
      maxAttempts: 3,
      timeoutMs: 5_000,
      ...more,
    },
    at ?? Date.now(),
  );

/** Stores tasks without handing them to a queue: as after a crash between commit and send. */
export const store = async (...tasks: Task[]): Promise<void> => {
  await createTaskStore(env.DB).insertMany(tasks.map(encodeTask));
};

/** Every queue, as if no message from before `until` were left in any. */
export const looksUntil = (until: number): Look[] => QUEUES.map((queue) => ({ queue, until }));

export const rowOf = async (id: string, owner = OWNER): Promise<Task> => {
  const row = await createTaskStore(env.DB).get(owner, id);
  if (!row) throw new Error(`No row ${id}`);
  return row;
};

export const parseAttempts = (task: Task) =>
  JSON.parse(task.attempts) as {
    attempt: number;
    outcome: string;
    error: { code: string; message: string } | null;
  }[];
