import { env } from 'cloudflare:workers';
import { beforeEach, expect, it } from 'vitest';
import { v7 as uuidv7 } from 'uuid';
import { encodeFlowTask } from '../../src/store/inserts.ts';
import { createReleaseStore } from '../../src/store/releases.ts';
import { clearFlows, endTask, storeFlow, sum } from '../support/flows.ts';
import { OWNER, rowOf } from '../support/rows.ts';

const NOW = 1_900_000_000_000;
const releases = createReleaseStore(env.DB);
beforeEach(clearFlows);

it('knows which tasks a list node has made, how they stand, and what it keeps for them', async () => {
  const { flow, idOf } = await storeFlow(
    { a: sum(1), each: sum('item', 1, { for_each: { $from: 'a.result.list' } }) },
    NOW,
  );
  await endTask(idOf('a'), NOW + 1);
  const list = { owner: OWNER, id: idOf('each'), flow_id: flow.id, node: 'each' };
  expect(await releases.findItems(list)).toEqual(new Set());
  expect(await releases.countItems([list])).toEqual(new Map());
  const row = await rowOf(list.id);
  const items = [0, 2, 3].map((item) => ({ ...row, id: uuidv7(), item, blocked_by: null }));
  await releases.insertItems(items.map(encodeFlowTask));
  await endTask(items[0]?.id ?? '', NOW + 2);
  await endTask(items[1]?.id ?? '', NOW + 2, 'FAILED');
  expect(await releases.findItems(list)).toEqual(new Set([0, 2, 3]));
  expect((await releases.countItems([list])).get(list.id)).toEqual({
    items: 3,
    completed: 1,
    failed: 1,
    cancelled: 0,
  });
  expect(await releases.readTemplate(list)).toBe('{"a":{"$from":"item"},"b":1}');
});
