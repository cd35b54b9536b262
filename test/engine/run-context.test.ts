import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { createRunContext } from '../../src/engine/run-context.ts';
import { createRunSteps } from '../../src/store/run-steps.ts';
import { createTransitions } from '../../src/store/transitions.ts';
import type { Task } from '../../src/domain/task.ts';
import { silentRun } from '../support/deps.ts';
import { aTask, store } from '../support/rows.ts';

const runSteps = createRunSteps(env.DB);
const claimed = async (): Promise<Task> => {
  const task = aTask();
  await store(task);
  return (await createTransitions(env.DB).claim([task], Date.now(), false))[0] as Task;
};
const start = (task: Task, more: object = {}) =>
  createRunContext(task, {
    ...silentRun,
    runSteps,
    submitChild: async (_parent, n) => ({ taskId: `child ${n}` }),
    now: Date.now,
    wait: async () => {},
    watch: () => {},
    ...more,
  });

it('runs a step once for all attempts', async () => {
  const task = await claimed();
  let runs = 0;
  const work = () => ({ run: (runs += 1) });
  const first = start(task).context;
  expect(await first.step('a', work)).toEqual({ run: 1 });
  expect(await first.step('a', work)).toEqual({ run: 1 });
  // The next attempt, in another process.
  await env.DB.prepare('UPDATE tasks SET attempt = 2 WHERE id = ?').bind(task.id).run();
  const second = start({ ...task, attempt: 2 }).context;
  expect(await second.step('a', work)).toEqual({ run: 1 });
  expect(await second.step('b', work)).toEqual({ run: 2 });
  // The first attempt, taken back meanwhile, keeps nothing.
  await expect(first.step('c', work)).rejects.toMatchObject({ code: 'step_not_kept' });
  expect((await runSteps.read(task)).map(({ name }) => name).toSorted()).toEqual(['a', 'b']);
});

it('stores a step again that could not be stored, and runs its work once', async () => {
  const task = await claimed();
  let [fails, runs] = [2, 0];
  const save: typeof runSteps.save = (...args) =>
    (fails -= 1) >= 0 ? Promise.reject(new Error('No database')) : runSteps.save(...args);
  const { context } = start(task, { runSteps: { ...runSteps, save } });
  expect(await context.step('a', () => (runs += 1))).toBe(1);
  expect(runs).toBe(1);
});

it.each([
  ['a function', () => 1, 'bad_checkpoint'],
  ['too much', 'x'.repeat(16_384), 'checkpoint_too_large'],
  [
    'a circle',
    (() => {
      const a: unknown[] = [];
      a.push(a);
      return a;
    })(),
    'bad_checkpoint',
  ],
])('refuses %s as a checkpoint and as the result of a step', async (_, value, code) => {
  const { context, readCheckpoint } = start(await claimed());
  expect(() => context.saveCheckpoint(value)).toThrow(expect.objectContaining({ code }) as Error);
  await expect(context.step('a', () => value)).rejects.toMatchObject({ code });
  expect(readCheckpoint()).toBeUndefined();
  context.saveCheckpoint({ at: 7 });
  expect(readCheckpoint()).toBe('{"at":7}');
});

it('counts the tasks that a run submits', async () => {
  const { context } = start(await claimed());
  const child = { type: 'sum', params: {} };
  expect([await context.submit(child), await context.submit(child)]).toEqual([
    { taskId: 'child 0' },
    { taskId: 'child 1' },
  ]);
});

it('ends a long run at a checkpoint, from where another goes on', async () => {
  const task = await claimed();
  const later = (minutes: number) => () => (task.started_at ?? 0) + minutes * 60_000;
  start(task, { now: later(24) }).context.saveCheckpoint({ at: 1 });
  const { context } = start(task, { now: later(26) });
  expect(() => context.saveCheckpoint({ at: 2 })).toThrow(
    expect.objectContaining({ name: 'GoOn', checkpoint: { at: 2 } }) as Error,
  );
});
