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
  const record = createGroupRecorder({
    transitions: {
      record: async (recordings) => {
        groups.push(recordings.length);
        return write(recordings);
      },
    },
    store: { getMany: async () => [] },
    publish: async (tasks) => void published.push(...(tasks as Task[])),
    now: Date.now,
    wait: async () => {},
    log: keepLog().log,
  });
  return { record, groups, published };
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

it('answers with nothing where another writer was faster', async () => {
  const { record, published } = setup(async () => []);
  expect(await record([recordingOf()])).toEqual([]);
  expect(published).toEqual([]);
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
  const recorded = Promise.all(Array.from({ length: 16 }, () => record([large()])));
  await expect(record([large()])).rejects.toThrow('Too many outcomes');
  resolve();
  expect(await recorded).toHaveLength(16);
  expect(await record([large()])).toHaveLength(1);
});

it('tells those who wait behind a failure at once, and takes the next', async () => {
  let failures = 4;
  const { record, groups } = setup(async (recordings) => {
    failures -= 1;
    if (failures >= 0) throw new Error('D1_ERROR: D1 DB is overloaded.');
    return recordings.map(({ task }) => task);
  });
  const answers = await Promise.allSettled([1, 2, 3].map(() => record([recordingOf()])));
  expect(answers.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
  // The first one, by itself, and all of its tries.
  expect(groups).toEqual([1, 1, 1, 1]);
  expect(await record([recordingOf()])).toHaveLength(1);
});
