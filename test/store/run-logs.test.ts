import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { toLogLine } from '../../src/domain/run-log.ts';
import { createRunLogs } from '../../src/store/run-logs.ts';
import { createTaskStore } from '../../src/store/tasks.ts';
import { observeDatabase } from '../support/database.ts';
import { aTask, store } from '../support/rows.ts';

const logs = createRunLogs(env.DB);
const lines = (...texts: string[]) => texts.map((text) => toLogLine('info', text, null, 0));

it('writes one row for each run that said something, by one statement, and once', async () => {
  const tasks = [aTask(), aTask()];
  await store(...tasks);
  const parts = tasks.map(({ owner, id }) => ({
    owner,
    id,
    attempt: 1,
    first: 0,
    cut: 0,
    lines: lines('a', 'b'),
  }));
  const { asked, stop } = observeDatabase();
  await logs.append(parts);
  stop();
  expect(asked.map(({ rowsWritten }) => rowsWritten)).toEqual([2]);
  await logs.append(parts);
  expect(await logs.readUsed({ ...tasks[0], attempt: 1 } as never)).toMatchObject({ lines: 2 });
});

it('keeps nothing of a task that is gone, and goes with its task', async () => {
  const [task, gone] = [aTask(), aTask()];
  await store(task);
  const part = { attempt: 1, first: 0, cut: 0, lines: lines('a') };
  await logs.append([task, gone].map(({ owner, id }) => ({ owner, id, ...part })));
  const count = (): Promise<number | null> =>
    env.DB.prepare('SELECT count(*) AS n FROM run_logs WHERE task_id IN (?, ?)')
      .bind(task.id, gone.id)
      .first<number>('n');
  expect(await count()).toBe(1);
  await env.DB.prepare(
    "UPDATE tasks SET status = 'CANCELLED', held = NULL, wake_at = NULL, completed_at = 5 WHERE id = ?",
  )
    .bind(task.id)
    .run();
  await createTaskStore(env.DB).remove(task.owner, [task.id]);
  expect(await count()).toBe(0);
});

it('counts towards what its owner may store, and gives it back', async () => {
  const owner = 'talks';
  // In the long run each counts as many bytes as it has: this one's id stands for all.
  const task = { ...aTask({ owner }), id: '00000000-0000-7000-8000-000000000000' };
  await store(task);
  const bytes = () =>
    env.DB.prepare('SELECT task_bytes FROM owners WHERE owner = ?').bind(owner).first('task_bytes');
  const before = Number(await bytes());
  await logs.append([
    { owner, id: task.id, attempt: 1, first: 0, cut: 0, lines: lines('x'.repeat(100)) },
  ]);
  expect(Number(await bytes()) - before).toBe(1_048_576);
  await env.DB.prepare('DELETE FROM tasks WHERE owner = ?').bind(owner).run();
  expect(Number(await bytes())).toBeLessThanOrEqual(before);
});

it('reads the newest attempt that wrote something, unless told', async () => {
  const task = aTask();
  await store(task);
  const { owner, id } = task;
  const part = { owner, id, first: 0, cut: 3, lines: lines('one') };
  await logs.append([
    { ...part, attempt: 1 },
    { ...part, attempt: 3, lines: lines('three') },
    { ...part, attempt: 3, first: 1, lines: lines('four', 'five') },
  ]);
  const { parts, attempts } = await logs.read(task, null);
  expect(parts.flatMap((each) => each.lines.map(({ message }) => message))).toEqual([
    'three',
    'four',
    'five',
  ]);
  expect(attempts).toEqual([
    { attempt: 1, count: 1 },
    { attempt: 3, count: 3 },
  ]);
  expect((await logs.read(task, 1)).parts).toMatchObject([{ attempt: 1, cut: 3 }]);
  expect((await logs.read(task, 2)).parts).toEqual([]);
});
