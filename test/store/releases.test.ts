import { env } from 'cloudflare:workers';
import { beforeEach, expect, it } from 'vitest';
import { v7 as uuidv7 } from 'uuid';
import type { Task } from '../../src/domain/task.ts';
import { encodeFlowTask } from '../../src/store/inserts.ts';
import { createReleaseStore } from '../../src/store/releases.ts';
import { observeDatabase } from '../support/database.ts';
import { clearFlows, endTask, flowRow, storeFlow, sum } from '../support/flows.ts';
import { OWNER, parseAttempts, rowOf } from '../support/rows.ts';

const NOW = 1_900_000_000_000;
const releases = createReleaseStore(env.DB, '["failure_webhook"]');
const pair = { a: sum(1), b: sum('a.result.result') };
beforeEach(clearFlows);

/** A flow of two whose first has ended. */
const ready = async (end?: Parameters<typeof endTask>[2]) => {
  const flow = await storeFlow(pair, NOW);
  const ended = await endTask(flow.idOf('a'), NOW + 1, end);
  const { tasks } = await releases.findAfter([ended], 10);
  const [row] = tasks;
  return { ...flow, ended, row: row as Task };
};
const toReleased = (row: Task, more: Partial<Task> = {}) => ({
  ...row,
  blocked_by: null,
  params: '{"a":1,"b":1}',
  timeout_ms: 5_000,
  ...more,
});

it('finds what an end made ready, and what is due', async () => {
  const { idOf, row, ended } = await ready();
  expect(row.id).toBe(idOf('b'));
  expect((await releases.findDue(NOW + 1, 10)).tasks.map(({ id }) => id)).toEqual([idOf('b')]);
  expect(await releases.findDue(NOW, 10)).toEqual({ tasks: [], hasMore: false });
  await releases.release([toReleased(row)], NOW + 2);
  expect((await releases.findAfter([ended], 10)).tasks).toEqual([]);
});

it('releases a row once, as it was read', async () => {
  const { row, idOf } = await ready();
  const [released] = await releases.release([toReleased(row)], NOW + 2);
  expect(released).toMatchObject({ id: idOf('b'), held: null, wake_at: NOW + 5_002, version: 2 });
  expect(await releases.release([toReleased(row)], NOW + 3)).toEqual([]);
  expect(await rowOf(idOf('b'))).toMatchObject({ params: '{"a":1,"b":1}', blocked_by: null });
});

it('releases for later, or under a limit, as any task that becomes runnable', async () => {
  const { row } = await ready();
  const [later] = await releases.release([toReleased(row, { scheduled_at: NOW + 60_000 })], NOW);
  expect(later).toMatchObject({ status: 'PENDING', held: 'time', wake_at: NOW + 60_000 });
  await clearFlows();
  const { row: other } = await ready();
  const [limited] = await releases.release([toReleased(other, { limit_key: 'k' })], NOW);
  expect(limited).toMatchObject({ held: 'limit', limit_key: 'k' });
});

it('fails what cannot run, with a history, and tells the operator', async () => {
  const { row, flow } = await ready();
  const error = { code: 'invalid_params', message: 'no' };
  await releases.fail([{ ...row, error }], NOW + 2);
  const failed = await rowOf(row.id);
  expect(failed).toMatchObject({ status: 'FAILED', attempt: 1, completed_at: NOW + 2 });
  expect(parseAttempts(failed)).toMatchObject([{ attempt: 1, outcome: 'failed', error }]);
  expect((await flowRow(flow.id)).status).toBe('FAILED');
  expect(await env.DB.prepare('SELECT sink FROM deliveries').first('sink')).toBe('failure_webhook');
});

it('cancels what cannot run with all that waits for it, and nothing else', async () => {
  const { idOf } = await storeFlow(
    {
      ...pair,
      c: sum('b.result.result'),
      d: sum(1, 1, { after: ['c'] }),
      e: sum(1),
    },
    NOW,
  );
  const ended = await endTask(idOf('a'), NOW + 1, 'FAILED');
  const { tasks: found } = await releases.findAfter([ended], 10);
  const cancelled = await releases.cancelStopped(found, NOW + 2);
  expect(cancelled.map(({ node }) => node).toSorted()).toEqual(['b', 'c', 'd']);
  expect(await rowOf(idOf('d'))).toMatchObject({
    status: 'CANCELLED',
    end_reason: 'upstream_failed',
  });
  expect((await rowOf(idOf('e'))).status).toBe('PENDING');
});

it('makes the tasks of a list once, counts those that are left, and ends it', async () => {
  const { flow, idOf } = await storeFlow(
    { a: sum(1), each: sum('item', 1, { for_each: { $from: 'a.result.list' } }) },
    NOW,
  );
  const ended = await endTask(idOf('a'), NOW + 1);
  const [list] = (await releases.findAfter([ended], 10)).tasks as [Task];
  const items = [0, 1].map((item) => ({
    ...list,
    id: uuidv7(),
    item,
    blocked_by: null,
    version: 1,
  }));
  expect((await releases.insertItems(items.map(encodeFlowTask))).size).toBe(2);
  // The same places again: nothing.
  const again = items.map((item) => ({ ...item, id: uuidv7() }));
  expect((await releases.insertItems(again.map(encodeFlowTask))).size).toBe(0);
  expect(await flowRow(flow.id)).toMatchObject({ tasks: 4, open: 3 });
  const [expanded] = await releases.markExpanded([{ ...list, items: 2 }], NOW + 2);
  expect(expanded).toMatchObject({ blocked_by: 2, wake_at: null, started_at: NOW + 2 });
  // It has all of its tasks: no more come.
  const late = { ...items[0], id: uuidv7(), item: 2 } as Task;
  expect((await releases.insertItems([encodeFlowTask(late)])).size).toBe(0);
  for (const { id } of items) await endTask(id, NOW + 3);
  const made = items.map((item) => ({ ...item, flow_id: flow.id }));
  const [due] = (await releases.findAfter(made, 10)).tasks as [Task];
  expect(due).toMatchObject({ id: list.id, blocked_by: 0 });
  await releases.end([{ ...due, result: { items: 2 } }], NOW + 4);
  expect(await rowOf(list.id)).toMatchObject({ status: 'COMPLETED', result: '{"items":2}' });
});

it('reads results: short ones with their rows, others by themselves', async () => {
  const long = 'x'.repeat(2_000);
  const { flow, idOf } = await ready({ result: long });
  const node = { owner: OWNER, flow_id: flow.id, node: 'a' };
  const [source] = await releases.findSources([node]);
  expect(source).toMatchObject({ id: idOf('a'), bytes: 2_002, result: null });
  const results = await releases.readResults([{ owner: OWNER, id: idOf('a') }]);
  expect(results.get(idOf('a'))).toBe(JSON.stringify(long));
});

it('postpones what cannot go on now', async () => {
  const { row } = await ready();
  await releases.postpone([row], NOW + 10_000);
  expect((await rowOf(row.id)).wake_at).toBe(NOW + 10_000);
});

it('reads no more of long parameters at a time than may be held, and says that there is more', async () => {
  const nodes = Object.fromEntries(
    Array.from({ length: 10 }, (_, i) => [`n${i}`, sum(1, 1, { after: ['a'] })]),
  );
  const { idOf } = await storeFlow({ a: sum(1), ...nodes }, NOW);
  await env.DB.prepare(`UPDATE tasks SET params = '"' || ?1 || '"' WHERE node <> 'a'`)
    .bind('x'.repeat(900_000))
    .run();
  const ended = await endTask(idOf('a'), NOW + 1);
  const { tasks, hasMore } = await releases.findAfter([ended], 250);
  expect([tasks.length, hasMore]).toEqual([8, true]);
  expect(await releases.findDue(NOW + 1, 250)).toMatchObject({ hasMore: true });
});

it('releases values of any size together, and keeps parameters that are not given', async () => {
  const nodes = Object.fromEntries(
    Array.from({ length: 200 }, (_, i) => [`n${i}`, sum(1, 1, { after: ['a'] })]),
  );
  const { idOf } = await storeFlow({ a: sum(1), ...nodes }, NOW);
  const ended = await endTask(idOf('a'), NOW + 1);
  const { tasks } = await releases.findAfter([ended], 250);
  const params = JSON.stringify('x'.repeat(16_000));
  const { asked, stop } = observeDatabase();
  const rows = tasks.map((row, i) => ({ ...toReleased(row), params: i === 0 ? null : params }));
  expect(await releases.release(rows, NOW + 2)).toHaveLength(200);
  stop();
  // One bound value has 2 MB at most.
  expect(asked.length).toBeGreaterThan(1);
  const [first, second] = tasks as [Task, Task];
  expect(await rowOf(first.id)).toMatchObject({ params: first.params, template: null });
  expect(await rowOf(second.id)).toMatchObject({ params, template: second.params });
});
