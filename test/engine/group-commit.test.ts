import { env } from 'cloudflare:workers';
import { afterEach, expect, it, vi } from 'vitest';
import type { Task } from '../../src/domain/task.ts';
import type { Acceptance } from '../../src/engine/accept-wire.ts';
import { createGroupCommit } from '../../src/engine/group-commit.ts';
import { encodeTask } from '../../src/store/inserts.ts';
import { createTaskStore } from '../../src/store/tasks.ts';
import { breakDatabase } from '../support/database.ts';
import { keepLog } from '../support/deps.ts';
import { aTask } from '../support/rows.ts';

afterEach(() => vi.restoreAllMocks());

const commit = async (tasks: Task[], group = setup()) => {
  const answers = new Map<string, Acceptance>();
  const stored = await group.commit(
    tasks.map((task) => ({
      task,
      row: encodeTask(task),
      answer: (acceptance) => void answers.set(task.id, acceptance),
    })),
  );
  return { answers: tasks.map(({ id }) => answers.get(id)), stored: stored.map(({ id }) => id) };
};
let time = 0;
const setup = () =>
  createGroupCommit({
    store: createTaskStore(env.DB),
    noteOutage: () => {},
    now: () => time,
    log: keepLog().log,
  });

it('answers every caller, and returns what was stored', async () => {
  const tasks = [aTask(), aTask()];
  expect(await commit(tasks)).toEqual({
    answers: ['accepted', 'accepted'],
    stored: tasks.map(({ id }) => id),
  });
});

it('accepts the same ids again, and calls the second of an idempotency key a duplicate', async () => {
  const first = aTask({ idempotencyKey: 'k' });
  await commit([first]);
  expect((await commit([first])).answers).toEqual(['accepted']);
  expect((await commit([aTask({ idempotencyKey: 'k' })])).answers).toEqual(['duplicate']);
});

it('refuses the one bad row of a group, and none of its neighbours', async () => {
  const tasks = [aTask(), { ...aTask(), priority: null as never }, aTask()];
  expect((await commit(tasks)).answers).toEqual(['accepted', 'task_rejected', 'accepted']);
});

it('repeats an insert whose answer was lost', async () => {
  breakDatabase('tasks.insert', 'after', { times: 1 });
  expect((await commit([aTask()])).answers).toEqual(['accepted']);
});

it('remembers for a minute that the database refused', async () => {
  const group = setup();
  const broken = breakDatabase('tasks.insert', 'before', { message: 'D1 DB is overloaded.' });
  expect((await commit([aTask()], group)).answers).toEqual(['database_unavailable']);
  expect(group.isAccepting()).toBe(false);
  broken.mend();
  time += 60_001;
  expect(group.isAccepting()).toBe(true);
});
