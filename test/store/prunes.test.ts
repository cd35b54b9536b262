import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { computeCutoffs, parseRetentionRule } from '../../src/domain/retention.ts';
import { createPrunes } from '../../src/store/prunes.ts';
import { aTask, store } from '../support/rows.ts';

const prunes = createPrunes(env.DB);
const DAY_MS = 86_400_000;

const end = (id: string, completedAt: number, status = 'CANCELLED') =>
  env.DB.prepare('UPDATE tasks SET status = ?, wake_at = NULL, completed_at = ? WHERE id = ?')
    .bind(status, completedAt, id)
    .run();

it('prunes what ended before a moment, and nothing that still has to be delivered', async () => {
  const now = Date.now();
  const [old, fresh, owing] = [
    aTask({ owner: 'pruned' }, now - 3 * DAY_MS),
    aTask({ owner: 'pruned' }, now - 3 * DAY_MS),
    aTask({ owner: 'pruned', callbackUrl: 'https://example.com/' }, now - 3 * DAY_MS),
  ];
  await store(old, fresh, owing);
  await end(old.id, now - 2 * DAY_MS);
  await end(fresh.id, now);
  await end(owing.id, now - 2 * DAY_MS);
  expect(await prunes.prune({ rules: [], otherwise: now - DAY_MS }, 100)).toEqual({
    pruned: 1,
    leftovers: [],
  });
  const { results } = await env.DB.prepare("SELECT id FROM tasks WHERE owner = 'pruned'").all();
  expect(results.map(({ id }) => id).toSorted()).toEqual([fresh.id, owing.id].toSorted());
});

it('keeps tasks as long as their type and their status say', async () => {
  const owner = 'kept';
  const now = Date.now();
  const make = async (type: string, status: string, days: number) => {
    const task = aTask({ owner, type, params: {} }, now - 200 * DAY_MS);
    await store(task);
    const sql = `UPDATE tasks SET status = ?, wake_at = NULL, completed_at = ?, result = ? WHERE id = ?`;
    const result = status === 'COMPLETED' ? '1' : null;
    await env.DB.prepare(sql)
      .bind(status, now - days * DAY_MS, result, task.id)
      .run();
    return task.id;
  };
  const [shortSum, failedSum, oldFailedSum, failed, oldFailed, plain, oldPlain, kept] = [
    await make('sum', 'COMPLETED', 2),
    await make('sum', 'FAILED', 2),
    await make('sum', 'FAILED', 8),
    await make('broken', 'FAILED', 31),
    await make('broken', 'FAILED', 91),
    await make('flaky', 'COMPLETED', 29),
    await make('flaky', 'COMPLETED', 31),
    await make('chatgpt', 'COMPLETED', 199),
  ];
  const rules = ['FAILED=90', 'sum=1', 'sum.FAILED=7', 'chatgpt=0'].flatMap(
    (text) => parseRetentionRule(text) ?? [],
  );
  await prunes.prune(computeCutoffs(rules, 30, now), 100);
  const { results } = await env.DB.prepare(`SELECT id FROM tasks WHERE owner = ?`)
    .bind(owner)
    .all();
  expect(results.map(({ id }) => id).toSorted()).toEqual(
    [failedSum, failed, plain, kept].toSorted(),
  );
  expect([shortSum, oldFailedSum, oldFailed, oldPlain]).toHaveLength(4);
});

it('makes room by the oldest that have ended, of all owners', async () => {
  await env.DB.exec('DELETE FROM tasks');
  const now = Date.now();
  const tasks = [5, 4, 3, 2, 1].map((days, i) =>
    aTask({ owner: i % 2 === 0 ? 'a' : 'b' }, now - days * DAY_MS),
  );
  const waiting = aTask({ owner: 'a' }, now - 9 * DAY_MS);
  await store(...tasks, waiting);
  for (const { id } of tasks) await end(id, now);
  expect(await prunes.prune(null, 3)).toMatchObject({ pruned: 3 });
  const { results } = await env.DB.prepare(`SELECT id FROM tasks ORDER BY id`).all();
  expect(results.map(({ id }) => id)).toEqual([waiting.id, tasks[3]?.id, tasks[4]?.id]);
});

it('finds what it would delete, and deletes what is as it was found', async () => {
  await env.DB.exec('DELETE FROM tasks');
  const now = Date.now();
  const [same, changed, young] = [aTask({}, now - 9), aTask({}, now - 8), aTask({}, now - 7)];
  await store(same, changed, young);
  for (const { id } of [same, changed]) await end(id, now - 5);
  const found = await prunes.findPrunable({ rules: [], otherwise: now }, 10);
  expect(found.map(({ id }) => id)).toEqual([same.id, changed.id]);
  await env.DB.prepare('UPDATE tasks SET version = version + 1 WHERE id = ?')
    .bind(changed.id)
    .run();
  expect(await prunes.deleteArchived(found)).toEqual({ pruned: 1, leftovers: [] });
  const { results } = await env.DB.prepare('SELECT id FROM tasks ORDER BY id').all();
  expect(results.map(({ id }) => id)).toEqual([changed.id, young.id]);
});
