import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import type { Task } from '../../src/domain/task.ts';
import { OwnerMoving } from '../../src/engine/elsewhere.ts';
import { createRecordingWriter } from '../../src/engine/recording-writer.ts';
import { createTaskStore } from '../../src/store/tasks.ts';
import { createTransitions } from '../../src/store/transitions.ts';
import { keepLog } from '../support/deps.ts';
import { aTask, store } from '../support/rows.ts';

const setup = async (count: number, fail: (call: number) => Error | null, moving = -1) => {
  const tasks = Array.from({ length: count }, () => aTask());
  await store(...tasks);
  const transitions = createTransitions(env.DB);
  const claimed = await transitions.claim(tasks, Date.now(), false);
  let calls = 0;
  const waits: number[] = [];
  const refused: string[] = [];
  const write = createRecordingWriter({
    transitions: {
      record: async (recordings, now) => {
        const ready = recordings.filter((_, i) => i !== moving);
        const written = await transitions.record(ready, now);
        if (ready.length < recordings.length)
          throw new OwnerMoving(recordings.slice(moving, moving + 1), written);
        const error = fail((calls += 1));
        if (error) throw error;
        return written;
      },
    },
    store: createTaskStore(env.DB),
    now: Date.now,
    wait: async (ms) => void waits.push(ms),
    log: keepLog().log,
  });
  const record = (tasksToEnd: readonly Task[], bad?: Task) =>
    write(
      tasksToEnd.map((task) => ({
        task,
        verdict: { transition: 'complete', result: task === bad ? (null as never) : '1' },
      })),
      ({ task }) => void refused.push(task.id),
    );
  return { claimed, record, refused, waits };
};

it('finds out that a commit was made whose answer was lost', async () => {
  const lost = new Error('D1_ERROR: Network connection lost.');
  const { claimed, record, waits } = await setup(3, (call) => (call === 1 ? lost : null));
  const written = await record(claimed);
  expect(written.map(({ status }) => status)).toEqual(['COMPLETED', 'COMPLETED', 'COMPLETED']);
  expect(waits).toEqual([50]);
});

it.each([
  'D1_ERROR: D1 DB is overloaded. Too many requests queued.',
  'D1_ERROR: CHECK constraint failed: tasks_of_that: SQLITE_CONSTRAINT',
])('finds out what one statement of a group committed before another failed: %s', async (text) => {
  const { claimed, record, refused } = await setup(3, (call) =>
    call === 1 ? new Error(text) : null,
  );
  const written = await record(claimed);
  expect(written.map(({ id }) => id).toSorted()).toEqual(claimed.map(({ id }) => id).toSorted());
  expect(refused).toEqual([]);
});

it('gives up after three pauses, and tells why', async () => {
  const down = new Error('D1_ERROR: D1 DB is overloaded. Too many requests queued.');
  const { claimed, record, waits } = await setup(1, () => down);
  await expect(record(claimed)).rejects.toThrow('overloaded');
  expect(waits).toEqual([50, 500, 2_000]);
});

it('tells of the one row that the schema refuses, and writes all others', async () => {
  const { claimed, record, refused } = await setup(5, () => null);
  const bad = claimed[1] as Task;
  // Nothing is COMPLETED without a result.
  const written = await record(claimed, bad);
  expect([written.length, refused]).toEqual([4, [bad.id]]);
});

it('waits for no owner on the move: it is refused at once, and all others are written', async () => {
  const { claimed, record, refused, waits } = await setup(3, () => null, 1);
  const written = await record(claimed);
  expect(written.map(({ id }) => id)).toEqual([claimed[0]?.id, claimed[2]?.id]);
  expect([refused, waits]).toEqual([[claimed[1]?.id], []]);
});
