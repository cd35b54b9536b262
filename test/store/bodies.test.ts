import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { createTaskSearch } from '../../src/store/search.ts';
import { createTaskStore } from '../../src/store/tasks.ts';
import { observeDatabase } from '../support/database.ts';
import { aTask, store } from '../support/rows.ts';

const NOW = 1_900_000_000_000;
const tasksOf = (owner: string, count: number, params: (i: number) => object) =>
  Array.from({ length: count }, (_, i) => aTask({ owner, params: params(i) }, NOW + i));

it('reads less than 2 MB for a page of a hundred rows of 1.2 MB', async () => {
  const owner = 'huge';
  const own = tasksOf(owner, 100, (i) => ({ i, text: 'x'.repeat(200_000) }));
  for (const task of own) await store(task);
  await env.DB.prepare(
    `UPDATE tasks SET status = 'COMPLETED', wake_at = NULL, completed_at = 1, result = json_object('text', hex(zeroblob(500000))) WHERE owner = ?`,
  )
    .bind(owner)
    .run();
  const { asked, stop } = observeDatabase();
  const page = await createTaskSearch(env.DB).page(owner, {}, { limit: 100 });
  stop();
  const bytes = asked.reduce((sum, each) => sum + each.bytes, 0);
  console.log(`a page of 100 rows of 1.2 MB: ${bytes} bytes from D1, ${page.tasks.length} task`);
  expect(bytes).toBeLessThan(2_000_000);
  expect(page.tasks[0]?.result).toHaveLength(1_000_011);
  expect(page).toMatchObject({ truncated: true, next: own.at(-1)?.id });
  // And each of the others on a page to come.
  const next = await createTaskSearch(env.DB).page(
    owner,
    {},
    { limit: 1, cursor: page.next ?? '' },
  );
  expect(next.tasks[0]?.id).toBe(own.at(-2)?.id);
});

it('gives several whole tasks, long and short, in turns that each are bounded', async () => {
  const own = tasksOf('mixed', 12, (i) => ({ i, text: 'x'.repeat(i % 2 ? 240_000 : 10) }));
  for (const task of own) await store(task);
  const { asked, stop } = observeDatabase();
  const found = await createTaskStore(env.DB).getMany(own);
  stop();
  expect(new Map(found.map(({ id, params }) => [id, params]))).toEqual(
    new Map(own.map(({ id, params }) => [id, params])),
  );
  expect(asked.map(({ name }) => name)).toEqual(['tasks.get_many', 'tasks.get_bodies']);
});

it('leaves out what was deleted between its head and its body', async () => {
  const [task] = tasksOf('gone', 1, () => ({ text: 'x'.repeat(50_000) }));
  expect(task && (await createTaskStore(env.DB).getMany([task]))).toEqual([]);
});
