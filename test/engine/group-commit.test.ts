import { env } from 'cloudflare:workers';
import { afterEach, expect, it, vi } from 'vitest';
import { endDirectly, pickDirect, startDirectly } from '../../src/domain/direct-run.ts';
import type { Task } from '../../src/domain/task.ts';
import type { Acceptance } from '../../src/engine/accept-wire.ts';
import { createGroupCommit } from '../../src/engine/group-commit.ts';
import { encodeDirect, encodeTask } from '../../src/store/inserts.ts';
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
const commitDirect = async (task: Task, born: Task): Promise<Acceptance | undefined> => {
  let answered: Acceptance | undefined;
  const answer = (acceptance: Acceptance): void => void (answered = acceptance);
  const direct = pickDirect(born);
  await setup().commit([{ task, row: encodeDirect(task, born), direct, answer }]);
  return answered;
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

it('never says that nothing was stored because the database refused to be asked', async () => {
  const first = aTask({ idempotencyKey: 'asked' });
  await commit([first]);
  const group = () => [aTask(), aTask({ idempotencyKey: 'asked' })];
  const message = 'D1 DB is overloaded. Too many requests queued.';
  breakDatabase('tasks.find_births', 'before', { message, times: 1 });
  expect((await commit(group())).answers).toEqual(['accepted', 'outcome_unknown']);
  vi.restoreAllMocks();
  breakDatabase('tasks.find_births', 'before', { message });
  expect((await commit(group())).answers).toEqual(['outcome_unknown', 'outcome_unknown']);
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

const aDirectTask = () => {
  const task = aTask();
  return { task, born: startDirectly(task, Date.now()) };
};

it.each(['tasks.insert_direct', 'nothing'])(
  'a direct run has begun although its insert is repeated: the answer of %s was lost',
  async (lost) => {
    const { task, born } = aDirectTask();
    const pure = endDirectly(born, '3', Date.now());
    for (const each of [born, pure]) {
      const own = { ...task, id: crypto.randomUUID() };
      breakDatabase(lost, 'after', { times: 1 });
      expect(await commitDirect({ ...own }, each)).toBe('begun');
      // The Dispatcher was reset after the commit, and the Worker asks again.
      expect(await commitDirect(own, each)).toBe('begun');
      expect(own).toMatchObject({ status: each.status, held: each.held, attempt: 1 });
      vi.restoreAllMocks();
    }
  },
);

it('a run that its queue began is no direct one, whoever asks again', async () => {
  const { task, born } = aDirectTask();
  await commitDirect({ ...task }, born);
  await env.DB.prepare('UPDATE tasks SET version = version + 1, started_at = started_at + 1').run();
  const again = { ...task };
  expect(await commitDirect(again, born)).toBe('accepted');
  expect(again).toMatchObject({ status: 'PENDING', held: 'lease' });
});
