import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { toLogLine } from '../../src/domain/run-log.ts';
import { createRunJournal } from '../../src/engine/run-journal.ts';
import { createRunLogs } from '../../src/store/run-logs.ts';
import { createTransitions } from '../../src/store/transitions.ts';
import type { Task } from '../../src/domain/task.ts';
import { aTask, store } from '../support/rows.ts';

const runLogs = createRunLogs(env.DB);
const journal = createRunJournal(runLogs);
const claimed = async (): Promise<Task> => {
  const task = aTask();
  await store(task);
  return (await createTransitions(env.DB).claim([task], Date.now(), false))[0] as Task;
};
const say = (...texts: string[]) => texts.map((text) => toLogLine('info', text, null, 0));
const read = async (task: Task) =>
  (await runLogs.read(task, null)).parts.flatMap(({ lines }) =>
    lines.map(({ message }) => message),
  );

it('puts lines behind those that are there, and those that came before not again', async () => {
  const task = await claimed();
  expect(await journal.write(task, say('a', 'b'))).toMatchObject({ count: 2 });
  expect(await journal.write(task, say('a', 'b', 'c'), 0)).toMatchObject({
    count: 3,
    part: { first: 2 },
  });
  expect(await journal.write(task, say('c'), 2)).toMatchObject({ count: 3, part: { lines: [] } });
  expect(await read(task)).toEqual(['a', 'b', 'c']);
});

it('keeps both of two calls at the same time', async () => {
  const task = await claimed();
  await Promise.all([journal.write(task, say('a')), journal.write(task, say('b'))]);
  expect((await read(task)).toSorted()).toEqual(['a', 'b']);
});

it('goes on after lines that were cut, which it counts', async () => {
  const task = await claimed();
  expect(await journal.write(task, [], undefined, 5)).toMatchObject({ count: 0, part: { cut: 5 } });
  expect(await journal.write(task, [], undefined, 2)).toMatchObject({ count: 0 });
  expect(await journal.write(task, say('x'))).toMatchObject({ count: 1 });
  const { parts } = await runLogs.read(task, null);
  expect(parts.map(({ cut, lines }) => [cut, lines.length])).toEqual([[7, 1]]);
});

it('takes nothing of a run that is over, and 1 000 lines of one that goes on', async () => {
  const task = await claimed();
  expect(await journal.write({ ...task, attempt: 7 }, say('late'))).toBeNull();
  const many = say(...Array.from({ length: 700 }, (_, i) => String(i)));
  await journal.write(task, many);
  expect(await journal.write(task, many)).toMatchObject({ count: 1_000, part: { cut: 400 } });
  expect(await journal.write(task, many)).toMatchObject({ count: 1_000, part: { cut: 700 } });
});
