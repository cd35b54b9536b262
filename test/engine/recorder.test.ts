import { env } from 'cloudflare:workers';
import { afterEach, expect, it, vi } from 'vitest';
import type { Outcome } from '../../src/domain/retry.ts';
import type { Task } from '../../src/domain/task.ts';
import { OwnerMoving } from '../../src/engine/elsewhere.ts';
import { createRecorder } from '../../src/engine/recorder.ts';
import type { Recording } from '../../src/store/recordings.ts';
import { createTaskStore } from '../../src/store/tasks.ts';
import { createTransitions } from '../../src/store/transitions.ts';
import { breakDatabase, observeDatabase } from '../support/database.ts';
import { keepLog, keepPublished, noLargeBodies } from '../support/deps.ts';
import { aTask, rowOf, store } from '../support/rows.ts';

afterEach(() => vi.restoreAllMocks());

const done: Outcome = { kind: 'completed', result: '{"n":1}' };

/** Claimed tasks and a recorder of them as one batch. */
const setup = async (count: number, keeps = true) => {
  const kept: string[] = [];
  const tasks = Array.from({ length: count }, () => aTask());
  await store(...tasks);
  const transitions = createTransitions(env.DB);
  const { log, events } = keepLog();
  const { publish, published } = keepPublished();
  let movingId: string | undefined;
  const isMoving = ({ task }: Recording): boolean => task.id === movingId;
  const record: typeof transitions.record = async (recordings, now) => {
    const written = await transitions.record(
      recordings.filter((each) => !isMoving(each)),
      now,
    );
    const moving = recordings.filter(isMoving);
    if (moving.length > 0) throw new OwnerMoving(moving, written);
    return written;
  };
  const recorder = createRecorder({
    transitions: { ...transitions, record },
    store: createTaskStore(env.DB),
    publish,
    followUp: async () => {},
    ensureAlarmBy: async () => {},
    keepRecordings: async (texts) => {
      if (!keeps) throw new Error('Nor does the object answer');
      kept.push(...texts);
    },
    keepResult: noLargeBodies.keepResult,
    findPolicy: () => ({ maxAttempts: 3, baseSeconds: 1, maxSeconds: 10 }),
    now: Date.now,
    random: () => 0.5,
    wait: async () => {},
    log,
  });
  const claimed = await transitions.claim(tasks, Date.now(), false);
  const moveOwnerOf = ({ id }: Task): void => void (movingId = id);
  const batch = recorder.forBatch(count);
  return { claimed, batch, recorder, published, events, kept, moveOwnerOf };
};

it('records a batch with one statement, and publishes it after the commit', async () => {
  const { claimed, batch, published } = await setup(20);
  const { asked, stop } = observeDatabase();
  const recorded = await Promise.all(claimed.map((task) => batch.record(task, done)));
  stop();
  expect(new Set(recorded.map(({ verdict }) => verdict.transition))).toEqual(new Set(['complete']));
  expect(asked.map(({ name }) => name)).toEqual(['tasks.record']);
  expect(published).toHaveLength(20);
});

it('does not wait for a task that has no outcome here', async () => {
  const { claimed, batch } = await setup(2);
  const [first] = claimed;
  batch.skip();
  await batch.record(first as never, done);
  expect((await rowOf(first?.id ?? '')).status).toBe('COMPLETED');
});

it('finds what was committed although the answer was lost, and publishes it once', async () => {
  const { claimed, batch, published } = await setup(1);
  breakDatabase('tasks.record', 'after', { times: 1 });
  const [task] = claimed;
  expect(await batch.record(task as never, done)).toMatchObject({
    verdict: { transition: 'complete' },
    row: { id: task?.id, status: 'COMPLETED' },
  });
  expect(published.map(({ id }) => id)).toEqual([task?.id]);
});

it('keeps what the database does not take, to be written by the same fence', async () => {
  const { claimed, batch, published, kept } = await setup(3);
  const broken = breakDatabase('tasks.record', 'before');
  const recorded = await Promise.all(claimed.map((task) => batch.record(task, done)));
  broken.mend();
  for (const each of recorded)
    expect(each).toMatchObject({ verdict: { transition: 'complete' }, row: null });
  expect(published).toEqual([]);
  const transitions = createTransitions(env.DB);
  const [cancelled, ...others] = claimed as [Task, ...Task[]];
  await transitions.command('cancel', cancelled.owner, cancelled.id, Date.now());
  for (let i = 0; i < 2; i += 1) await transitions.writeRecordings(kept);
  expect(await rowOf(cancelled.id)).toMatchObject({ status: 'CANCELLED', result: null });
  for (const { id } of others)
    expect(await rowOf(id)).toMatchObject({ status: 'COMPLETED', result: '{"n":1}', version: 3 });
});

it('rejects when nothing answers: then the lease brings the task back', async () => {
  const { claimed, batch, published, events } = await setup(1, false);
  const broken = breakDatabase('tasks.record', 'before');
  await expect(batch.record(claimed[0] as never, done)).rejects.toThrow(/connection lost/);
  broken.mend();
  expect(published).toEqual([]);
  expect(events().filter((event) => event === 'record_failed')).toHaveLength(4);
});

it('publishes starts with the first ends, or in a moment, and the rest when the batch is over', async () => {
  const { claimed, recorder, published } = await setup(3);
  const [first, second, third] = claimed as [Task, Task, Task];
  const read = () => published.splice(0).map(({ id, status }) => [id, status]);
  const quick = recorder.forBatch(1, [first]);
  await quick.record(first, done);
  expect(read()).toEqual([
    [first.id, 'IN_PROGRESS'],
    [first.id, 'COMPLETED'],
  ]);
  const slow = recorder.forBatch(1, [second]);
  await vi.waitUntil(() => published.length > 0, { interval: 5 });
  expect(read()).toEqual([[second.id, 'IN_PROGRESS']]);
  await slow.record(second, done);
  expect(read()).toEqual([[second.id, 'COMPLETED']]);
  const left = recorder.forBatch(1, [third]);
  left.skip();
  await left.end();
  expect(read()).toEqual([[third.id, 'IN_PROGRESS']]);
});

it('keeps the outcome of an owner on the move, and records the others', async () => {
  const { claimed, recorder, kept, moveOwnerOf } = await setup(3);
  moveOwnerOf(claimed[1] as Task);
  const batch = recorder.forBatch(3);
  const recorded = await Promise.all(claimed.map((task) => batch.record(task, done)));
  expect(recorded.map(({ row }) => row !== null)).toEqual([true, false, true]);
  expect(kept.map((text) => text.includes(String(claimed[1]?.id)))).toEqual([true]);
  expect((await rowOf(claimed[0]?.id ?? '')).status).toBe('COMPLETED');
  expect((await rowOf(claimed[1]?.id ?? '')).status).toBe('IN_PROGRESS');
});
