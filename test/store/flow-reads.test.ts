import { env } from 'cloudflare:workers';
import { beforeEach, expect, it } from 'vitest';
import { createFlowStore } from '../../src/store/flows.ts';
import { clearFlows, endTask, storeFlow, sum } from '../support/flows.ts';
import { aTask, OWNER, store } from '../support/rows.ts';

const NOW = 1_900_000_000_000;
const flows = createFlowStore(env.DB);
beforeEach(clearFlows);

it('reads a flow with its nodes in their order, and what each waits for', async () => {
  const { flow, idOf } = await storeFlow({ b: sum('a.result.result'), a: sum(1) }, NOW);
  const rows = await flows.read(OWNER, flow.id);
  expect(rows?.nodes.map(({ node }) => node)).toEqual(['a', 'b']);
  expect(rows?.edges).toEqual([{ owner: OWNER, before: idOf('a'), follower: idOf('b') }]);
  expect(rows?.items).toEqual([]);
  expect(await flows.read('another', flow.id)).toBeNull();
  expect(await flows.getMany([{ owner: OWNER, id: flow.id }])).toHaveLength(1);
});

it('lists the newest first, by status, by name, and page by page', async () => {
  const ids: string[] = [];
  for (const name of ['x', 'y', 'x'])
    ids.unshift((await storeFlow({ a: sum(1) }, NOW, { name })).flow.id);
  const list = async (more: object) =>
    (await flows.list(OWNER, { limit: 10, ...more })).map(({ id }) => id);
  expect(await list({})).toEqual(ids);
  expect(await list({ limit: 1 })).toEqual(ids.slice(0, 1));
  expect(await list({ before: ids[0] })).toEqual(ids.slice(1));
  expect(await list({ name: 'x' })).toEqual([ids[0], ids[2]]);
  expect(await list({ status: 'COMPLETED' })).toEqual([]);
});

it('finds a flow by its key, and the flows of tasks', async () => {
  const { flow, idOf } = await storeFlow({ a: sum(1) }, NOW);
  await env.DB.prepare(`UPDATE flows SET idempotency_key = 'k' WHERE id = ?`).bind(flow.id).run();
  expect((await flows.findByKey(OWNER, 'k'))?.id).toBe(flow.id);
  expect(await flows.findByKey(OWNER, 'other')).toBeNull();
  const alone = aTask();
  await store(alone);
  expect(await flows.findFlowsOf(OWNER, [idOf('a'), alone.id])).toEqual([
    { id: idOf('a'), flow_id: flow.id },
  ]);
});

it('knows nothing of a flow that is being deleted', async () => {
  const { flow, idOf } = await storeFlow({ a: sum(1) }, NOW);
  await endTask(idOf('a'), NOW);
  await flows.markDeleted(flow, NOW);
  expect(await flows.get(OWNER, flow.id)).toBeNull();
  expect(await flows.read(OWNER, flow.id)).toBeNull();
  expect(await flows.list(OWNER, { limit: 10 })).toEqual([]);
});
