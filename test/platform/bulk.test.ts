import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { call, submit } from '../support/client.ts';
import type { TaskView } from '../../src/domain/view.ts';
import { aTask, store } from '../support/rows.ts';

const TASKS = 100_000;

it(`a bulk action on ${TASKS} tasks ends, in runs that each ask for little`, async () => {
  const seed = aTask({ scheduledAt: Date.now() + 3_600_000, tags: ['many'] }, Date.now() - 60_000);
  await store(seed);
  const { results } = await env.DB.prepare('PRAGMA table_info(tasks)').all<{ name: string }>();
  const columns = results.map(({ name }) => name);
  const id = `printf('01900000-0000-7000-8000-%012x', i)`;
  const values = columns.map((name) => (name === 'id' ? id : name)).join(', ');
  for (let from = 1; from < TASKS; from += 20_000)
    await env.DB.prepare(
      `WITH RECURSIVE n(i) AS (SELECT ?1 UNION ALL SELECT i + 1 FROM n WHERE i < ?2)
       INSERT INTO tasks (${columns.join(', ')}) SELECT ${values} FROM n, tasks WHERE id = ?3`,
    )
      .bind(from, Math.min(from + 19_999, TASKS - 1), seed.id)
      .run();
  const { task_id } = await submit('bulk_action', { action: 'cancel', filter: { tag: ['many'] } });
  let task: TaskView | null = null;
  const deadline = Date.now() + 580_000;
  while (Date.now() < deadline && task?.status !== 'COMPLETED' && task?.status !== 'FAILED') {
    await new Promise((resolve) => setTimeout(resolve, 250));
    task = await (await call(`/tasks/${task_id}`)).json<TaskView>();
  }
  expect(task).toMatchObject({
    status: 'COMPLETED',
    result: { matched: TASKS, changed: TASKS, skipped: 0 },
  });
  const runs = task?.attempt ?? 0;
  console.log(`bulk action on ${TASKS} tasks: ${runs} runs`);
  // Each run takes 100 steps of one read and one write.
  expect(runs).toBe(Math.ceil(TASKS / 10_000));
  const left = await env.DB.prepare(`SELECT count(*) AS n FROM tasks WHERE status = 'NEW'`).first(
    'n',
  );
  expect(left).toBe(0);
}, 600_000);
