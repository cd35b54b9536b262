import { isFinal } from '../../src/domain/words.ts';
import { env } from 'cloudflare:workers';
import type { Frame } from '../../src/domain/frames.ts';
import { type CommittedTask, type Task } from '../../src/domain/task.ts';
import type { TaskView } from '../../src/domain/view.ts';
import { createTransitions } from '../../src/store/transitions.ts';
import { watch } from './client.ts';
import { aTask, OWNER, rowOf, store } from './rows.ts';

export const board = () => env.BOARD.getByName(OWNER);
/** Tells the board of committed rows, as the engine does. */
export const tell = (...rows: CommittedTask[]): Promise<void> =>
  board().publish(JSON.stringify(rows));
export const taskIn = (frame: Frame | undefined): TaskView | undefined =>
  frame && 'task' in frame ? frame.task : undefined;
export const isEnd = (frame: Frame): boolean => isFinal(taskIn(frame)?.status ?? 'NEW');
export const versionsOf = (frames: Frame[]) =>
  frames.flatMap((frame) =>
    'task' in frame ? [frame.task.version] : 'version' in frame ? [frame.version] : [],
  );

/** A stored task that no queue knows, and its stream. */
export const watched = async () => {
  const task = aTask();
  await store(task);
  return { task, ...(await watch(`/tasks/${task.id}/events`)) };
};

export const claim = async (id: string): Promise<Task> =>
  (await createTransitions(env.DB).claim([{ owner: OWNER, id }], Date.now(), false))[0] ??
  (await rowOf(id));
export const complete = async (id: string): Promise<Task> => {
  const verdict = { transition: 'complete', result: '"done"' } as const;
  const [row] = await createTransitions(env.DB).record(
    [{ task: await rowOf(id), verdict }],
    Date.now(),
  );
  return row ?? (await rowOf(id));
};
