import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { createUniqueTasks } from '../../src/engine/unique-tasks.ts';
import { createTransitions } from '../../src/store/transitions.ts';
import { createUniqueStore } from '../../src/store/unique.ts';
import { keepLog, keepPublished, keepQueues } from '../support/deps.ts';
import { createTaskQueues } from '../../src/engine/task-queues.ts';
import { aTask, store } from '../support/rows.ts';

const NOW = 1_900_000_000_000;

const setup = (at = NOW) => {
  const { publish, published } = keepPublished();
  const { queues, sent } = keepQueues();
  const alarms: number[] = [];
  const conflicts: string[] = [];
  const tasks = createUniqueTasks({
    unique: createUniqueStore(env.DB),
    ensureAlarmBy: async (moment) => void alarms.push(moment),
    publish,
    taskQueues: createTaskQueues({ queues, log: keepLog().log }),
    followUp: async () => {},
    countConflict: (outcome) => void conflicts.push(outcome),
    now: () => at,
  });
  return { ...tasks, published, sent, alarms, conflicts };
};
const uniqueTask = (owner: string, more: object = {}, at = NOW) =>
  aTask({ owner, uniqueKey: 'key:k', ...more }, at);
const request = (unique: object) =>
  ({
    type: 'sum',
    params: {},
    priority: 'MEDIUM',
    unique: { while: 'unfinished', on_conflict: 'return', ...unique },
  }) as never;

it('returns the other, or refuses beside it', async () => {
  const { find, resolve, conflicts } = setup();
  const [holder, task] = [uniqueTask('a'), uniqueTask('a')];
  await store(holder);
  expect((await find('a', [task])).get('key:k')?.id).toBe(holder.id);
  expect(await find('a', [aTask()])).toEqual(new Map());
  expect(await resolve(holder, task, request({}))).toMatchObject({
    task: { id: holder.id },
    conflict: 'returned',
  });
  await expect(resolve(holder, task, request({ on_conflict: 'refuse' }))).rejects.toMatchObject({
    code: 'duplicate',
    members: { task_id: holder.id },
  });
  expect(conflicts).toEqual(['returned', 'refused']);
});

it('replaces what has not begun, later each time, but not for ever', async () => {
  const holder = uniqueTask('b', { scheduledAt: NOW + 10_000 });
  await store(holder);
  const wish = request({ on_conflict: 'replace', at_most_seconds: 15 });
  const at = NOW + 8_000;
  const { resolve, alarms, published } = setup(at);
  const task = uniqueTask('b', { scheduledAt: at + 10_000, title: 'new' }, at);
  const resolved = await resolve(holder, task, wish);
  expect(resolved).toMatchObject({
    conflict: 'replaced',
    task: { id: holder.id, title: 'new', scheduled_at: NOW + 15_000 },
  });
  expect(alarms).toEqual([NOW + 15_000]);
  expect(published.map(({ id }) => id)).toEqual([holder.id]);
  // Its time is over: now.
  const last = setup(NOW + 16_000);
  const again = uniqueTask('b', { scheduledAt: NOW + 26_000 }, NOW + 16_000);
  expect((await last.resolve(holder, again, wish))?.task).toMatchObject({
    status: 'PENDING',
    scheduled_at: null,
  });
  expect(last.sent.map(({ id }) => id)).toEqual([holder.id]);
});

it('puts the new one beside what has begun, unless there may be one in a time', async () => {
  const { resolve, find } = setup();
  const [holder, task] = [uniqueTask('c'), uniqueTask('c')];
  await store(holder);
  await createTransitions(env.DB).claim([holder], NOW, false);
  const replace = { on_conflict: 'replace' };
  expect(await resolve(holder, task, request({ ...replace, while: 60 }))).toMatchObject({
    conflict: 'returned',
  });
  expect(await resolve(holder, task, request(replace))).toBeNull();
  expect(await find('c', [task])).toEqual(new Map());
});
