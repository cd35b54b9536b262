import { expect, it } from 'vitest';
import { createFairQueues } from '../../src/engine/fair-queues.ts';
import { createTaskQueues } from '../../src/engine/task-queues.ts';
import { keepLog, keepQueues } from '../support/deps.ts';
import { aTask } from '../support/rows.ts';

const NOW = 1_900_000_000_000;
const nextTurn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

/** Queues whose tasks leave when the test says so. */
const setup = () => {
  const { log, events } = keepLog();
  const { queues, sent, backlog } = keepQueues();
  const unclaimed = new Set<string>();
  let time = NOW;
  let wakeUp = (): void => {};
  let isBroken = false;
  const asked: number[] = [];
  const pauses: number[] = [];
  const fair = createFairQueues({
    taskQueues: createTaskQueues({ queues, log }),
    sentTasks: {
      findUnclaimed: async (some) => {
        asked.push(some.length);
        if (isBroken) throw new Error('Network connection lost.');
        return new Set(unclaimed);
      },
    },
    now: () => time,
    wait: (ms) => {
      pauses.push(ms);
      return new Promise((resolve) => (wakeUp = resolve));
    },
    log,
  });
  const seen = new Set<string>();
  const findNew = () => {
    const fresh = sent.filter(({ id }) => !seen.has(id));
    for (const { id } of fresh) {
      seen.add(id);
      unclaimed.add(id);
    }
    return fresh;
  };
  return {
    ...fair,
    events,
    asked,
    pauses,
    findNew,
    backlog,
    fail: (broken: boolean) => void (isBroken = broken),
    leave: (ids: readonly { id: string }[]) => {
      for (const { id } of ids) unclaimed.delete(id);
    },
    /** The next look. */
    pass: async (ms = 100) => {
      time += ms;
      wakeUp();
      for (let i = 0; i < 5; i += 1) await nextTurn();
    },
  };
};
const tasksOf = (owner: string, count: number, queue = 'default-medium') =>
  Array.from({ length: count }, () => aTask({ owner, queue }, NOW));
const countOf = (tasks: readonly { owner: string }[], owner: string): number =>
  tasks.filter((task) => task.owner === owner).length;

it('sends what its window has room for, and the tasks of others at once', async () => {
  const { enqueue, findNew, leave, pass } = setup();
  await enqueue(tasksOf('many', 5_000));
  const first = findNew();
  expect(first).toHaveLength(500);
  await enqueue(tasksOf('few', 10));
  expect(countOf(findNew(), 'few')).toBe(10);
  await pass();
  expect(findNew()).toEqual([]);
  leave(first);
  await pass();
  expect(countOf(findNew(), 'many')).toBe(500);
});

it('grows with what leaves in a second, between a hundred and a thousand', async () => {
  const { enqueue, findNew, leave, pass } = setup();
  await enqueue(tasksOf('many', 9_000));
  let last = findNew();
  const counts: number[] = [];
  for (let i = 0; i < 6; i += 1) {
    leave(last);
    await pass();
    last = findNew();
    counts.push(last.length);
  }
  expect(counts).toEqual([500, 1_000, 1_000, 1_000, 1_000, 1_000]);
  await enqueue(tasksOf('slow', 3_000, 'external-low'));
  expect(findNew()).toHaveLength(100);
});

it('counts what waits here to its queue, so that the clock does not take it for lost', async () => {
  const { enqueue, metrics, backlog } = setup();
  expect(await metrics('default-medium')).toEqual({ backlog: 0, oldestAt: null });
  await enqueue(tasksOf('many', 700));
  backlog.set('default-medium', 5);
  expect(await metrics('default-medium')).toEqual({ backlog: 205, oldestAt: NOW });
  expect(await metrics('default-low')).toEqual({ backlog: 0, oldestAt: null });
});

it('sends nothing twice that waits here', async () => {
  const { enqueue, findNew, leave, pass } = setup();
  const tasks = tasksOf('many', 600);
  await enqueue(tasks);
  const first = findNew();
  await enqueue(tasks.slice(500));
  leave(first);
  await pass();
  expect(findNew()).toHaveLength(100);
});

it('goes on when the database does not answer, and without news after a while', async () => {
  const { enqueue, findNew, pass, fail, events } = setup();
  await enqueue(tasksOf('many', 700));
  findNew();
  fail(true);
  await pass();
  expect(events()).toEqual(['fair_queues_failed']);
  await pass(29_000);
  expect(findNew()).toEqual([]);
  // It still does not answer.
  await pass(2_000);
  expect(findNew()).toHaveLength(200);
});

it('looks less and less often while nothing leaves', async () => {
  const { enqueue, findNew, leave, pass, pauses } = setup();
  await enqueue(tasksOf('many', 2_000));
  const first = findNew();
  for (let i = 0; i < 6; i += 1) await pass();
  leave(first);
  await pass();
  expect(pauses).toEqual([50, 100, 200, 400, 800, 1_000, 1_000, 50]);
});

it('asks for no more than one statement takes, and for those first whose tasks wait', async () => {
  const { enqueue, findNew, leave, pass, asked } = setup();
  const others = Array.from({ length: 6_000 }, (_, i) => tasksOf(`owner-${i}`, 1));
  await enqueue(others.flat());
  await enqueue(tasksOf('many', 600));
  const first = findNew();
  leave(first.filter(({ owner }) => owner === 'many'));
  await pass();
  expect(findNew()).toHaveLength(100);
  expect(asked).toEqual([5_000]);
});

it('remembers a hundred thousand, and leaves the rest to the clock', async () => {
  const { enqueue, findNew, metrics } = setup();
  await enqueue(tasksOf('many', 101_000));
  expect((await metrics('default-medium')).backlog).toBe(100_000);
  findNew();
  // Who has room is not kept out by others.
  await enqueue(tasksOf('few', 10));
  expect(findNew()).toHaveLength(10);
});
