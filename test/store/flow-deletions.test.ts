import { env } from 'cloudflare:workers';
import { beforeEach, expect, it } from 'vitest';
import { createFlowStore } from '../../src/store/flows.ts';
import { createTaskStore } from '../../src/store/tasks.ts';
import { clearFlows, endTask, storeFlow, sum } from '../support/flows.ts';
import { OWNER } from '../support/rows.ts';

const NOW = 1_900_000_000_000;
const flows = createFlowStore(env.DB);
const tasks = createTaskStore(env.DB);
const count = (table: string) => env.DB.prepare(`SELECT count(*) AS n FROM ${table}`).first('n');
const counts = async () => [await count('flows'), await count('tasks'), await count('flow_edges')];
const chain = { a: sum(1), b: sum('a.result.result'), c: sum('b.result.result') };
const ended = async (at: number) => {
  const { flow, idOf } = await storeFlow(chain, NOW);
  for (const node of ['a', 'b', 'c']) await endTask(idOf(node), at);
  return { flow, idOf };
};
beforeEach(clearFlows);

it('marks only what has ended, and deletes it with all that is its own', async () => {
  const { flow } = await storeFlow(chain, NOW);
  expect(await flows.markDeleted(flow, NOW)).toBe(false);
  const { flow: over } = await ended(NOW + 1);
  expect(await flows.markDeleted(over, NOW + 2)).toBe(true);
  expect(await flows.markDeleted(over, NOW + 3)).toBe(false);
  // Interrupted, it goes on where it was.
  expect((await flows.deleteMarked(OWNER, 2)).tasks).toHaveLength(2);
  expect(await counts()).toEqual([2, 4, 2]);
  expect(await flows.deleteMarked(null, 2)).toMatchObject({ flows: 1 });
  expect(await counts()).toEqual([1, 3, 2]);
});

it('keeps tasks of flows from being deleted alone', async () => {
  const { idOf } = await ended(NOW);
  expect((await tasks.remove(OWNER, [idOf('a')])).removed).toEqual([]);
  await tasks.prune({ rules: [], otherwise: NOW + 10_000_000 }, 100);
  await tasks.prune(null, 100);
  expect(await count('tasks')).toBe(3);
});

it('marks what is old, once all of it was delivered', async () => {
  const { flow, idOf } = await ended(NOW);
  await env.DB.prepare(
    `INSERT INTO deliveries (owner, task_id, version, sink, status, attempt, state, owed_at, due_at, wake_at)
    VALUES (?1, ?2, 2, 'callback', 'COMPLETED', 1, 'OPEN', 1, 1, 1)`,
  )
    .bind(OWNER, idOf('b'))
    .run();
  expect(await flows.markOld(NOW, 10, NOW)).toBe(0);
  expect(await flows.markOld(NOW + 1, 10, NOW)).toBe(0);
  await env.DB.prepare('DELETE FROM deliveries').run();
  expect(await flows.markOld(NOW + 1, 10, NOW)).toBe(1);
  expect(await flows.get(OWNER, flow.id)).toBeNull();
});

it('marks all of an owner, also those that run, and adds nothing to them any more', async () => {
  const { flow, tasks: rows, edges } = await storeFlow(chain, NOW);
  await flows.markAllDeleted(OWNER, NOW);
  await env.DB.prepare('DELETE FROM tasks').run();
  expect((await flows.insert(flow, rows, edges)).size).toBe(0);
  expect(await flows.deleteMarked(OWNER, 10)).toMatchObject({ tasks: [], flows: 1 });
  expect(await counts()).toEqual([0, 0, 0]);
});

it('of a purge leaves a flow whole that came meanwhile, and frees the keys of what goes', async () => {
  const { flow } = await ended(NOW);
  await env.DB.prepare('UPDATE flows SET idempotency_key = ?').bind('k').run();
  await flows.markAllDeleted(OWNER, NOW + 1);
  await storeFlow(chain, NOW);
  expect((await tasks.purge(OWNER, 100)).tasks).toHaveLength(3);
  expect(await count('tasks')).toBe(3);
  const { results } = await env.DB.prepare('SELECT id, idempotency_key FROM flows').all();
  expect(results).toContainEqual({ id: flow.id, idempotency_key: null });
});
