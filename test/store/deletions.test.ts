import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { computeCutoffs, parseRetentionRule } from '../../src/domain/retention.ts';
import { createDeletions } from '../../src/store/deletions.ts';
import { aTask, OWNER, rowOf, store } from '../support/rows.ts';

const deletions = createDeletions(env.DB);
const later = { scheduledAt: Date.now() + 3_600_000 };
const DAY_MS = 86_400_000;

const end = (id: string, completedAt: number, status = 'CANCELLED') =>
  env.DB.prepare('UPDATE tasks SET status = ?, wake_at = NULL, completed_at = ? WHERE id = ?')
    .bind(status, completedAt, id)
    .run();

it('removes tasks of its owner, but none that runs', async () => {
  const [waiting, running, theirs] = [
    aTask(later),
    aTask(later),
    aTask({ owner: 'other', ...later }),
  ];
  await store(waiting, running, theirs);
  await env.DB.prepare("UPDATE tasks SET status = 'IN_PROGRESS' WHERE id = ?")
    .bind(running.id)
    .run();
  const { removed } = await deletions.remove(OWNER, [waiting.id, running.id, theirs.id]);
  expect(removed).toEqual([waiting.id]);
  expect((await rowOf(running.id)).status).toBe('IN_PROGRESS');
});

it('gives open deliveries up with their task, and names them', async () => {
  const task = aTask({ callbackUrl: 'https://example.com/', ...later });
  await store(task);
  await end(task.id, Date.now());
  const { givenUp } = await deletions.remove(OWNER, [task.id]);
  expect(givenUp).toMatchObject([{ task_id: task.id, sink: 'callback' }]);
  const left = await env.DB.prepare('SELECT count(*) AS n FROM deliveries').first<number>('n');
  expect(left).toBe(0);
});

it('purges an owner in chunks, whatever the status', async () => {
  const tasks = Array.from({ length: 5 }, () => aTask({ owner: 'purged', ...later }));
  await store(...tasks);
  const chunks = [];
  for (;;) {
    const { tasks: purged } = await deletions.purge('purged', 2);
    chunks.push(purged.length);
    if (purged.length === 0) break;
  }
  expect(chunks).toEqual([2, 2, 1, 0]);
});

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
  expect(await deletions.prune({ rules: [], otherwise: now - DAY_MS }, 100)).toEqual({
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
  await deletions.prune(computeCutoffs(rules, 30, now), 100);
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
  expect(await deletions.prune(null, 3)).toMatchObject({ pruned: 3 });
  const { results } = await env.DB.prepare(`SELECT id FROM tasks ORDER BY id`).all();
  expect(results.map(({ id }) => id)).toEqual([waiting.id, tasks[3]?.id, tasks[4]?.id]);
});
