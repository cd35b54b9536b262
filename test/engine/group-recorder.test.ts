import { expect, it } from 'vitest';
import type { Task } from '../../src/domain/task.ts';
import { createGroupRecorder } from '../../src/engine/group-recorder.ts';
import type { Recording } from '../../src/store/recordings.ts';
import { keepLog } from '../support/deps.ts';
import { aTask } from '../support/rows.ts';

const recordingOf = (): Recording => ({
  task: aTask(),
  verdict: { transition: 'complete', result: '1' },
});

const setup = (write: (recordings: readonly Recording[]) => Promise<Task[]>) => {
  const groups: number[] = [];
  const published: Task[] = [];
  const followed: string[] = [];
  const record = createGroupRecorder({
    transitions: {
      record: async (recordings) => {
        groups.push(recordings.length);
        return write(recordings);
      },
    },
    store: { getMany: async () => [] },
    publish: async (tasks) => void published.push(...(tasks as Task[])),
    followUp: async (tasks) => void followed.push(...tasks.map(({ id }) => id)),
    now: Date.now,
    wait: async () => {},
    log: keepLog().log,
  });
  return { record, groups, published, followed };
};

it('writes what comes meanwhile with the next statement, and answers each with its own row', async () => {
  const { record, groups, published } = setup(async (recordings) =>
    recordings.map(({ task }) => ({ ...task, status: 'COMPLETED' as const })),
  );
  const all = Array.from({ length: 20 }, recordingOf);
  const rows = await Promise.all(all.map((each) => record([each])));
  expect(rows.map(([row]) => row?.id)).toEqual(all.map(({ task }) => task.id));
  expect(groups).toEqual([1, 19]);
  expect(published).toHaveLength(20);
});

it('answers with nothing where another writer was faster, and follows that up all the same', async () => {
  const { record, published, followed } = setup(async () => []);
  const recording = recordingOf();
  expect(await record([recording])).toEqual([]);
  expect([published, followed]).toEqual([[], [recording.task.id]]);
});

it('one row that the schema refuses does not fail its neighbours', async () => {
  const bad = recordingOf();
  const { record } = setup(async (recordings) => {
    if (recordings.includes(bad)) throw new Error('D1_ERROR: CHECK constraint failed');
    return recordings.map(({ task }) => task);
  });
  const good = [recordingOf(), recordingOf()];
  const answers = await Promise.allSettled(
    [good[0], bad, good[1]].map((each) => record(each ? [each] : [])),
  );
  expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
});

it('takes no more than it can keep in its memory', async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const { record } = setup(async (recordings) => {
    await promise;
    return recordings.map(({ task }) => task);
  });
  const large = (): Recording => ({
    ...recordingOf(),
    verdict: { transition: 'complete', result: 'x'.repeat(1_000_000) },
  });
  const recorded = Promise.all(Array.from({ length: 17 }, () => record([large()])));
  await expect(record([large()])).rejects.toThrow('Too many outcomes');
  resolve();
  expect(await recorded).toHaveLength(17);
  expect(await record([large()])).toHaveLength(1);
});
