import { env } from 'cloudflare:workers';
import { beforeEach, describe, expect, it } from 'vitest';
import { createFlowStore } from '../../src/store/flows.ts';
import { createTransitions } from '../../src/store/transitions.ts';
import { planRetry } from '../../src/domain/flow-retry.ts';
import { clearFlows, endTask, flowRow, storeFlow, sum } from '../support/flows.ts';
import { OWNER, rowOf } from '../support/rows.ts';

const NOW = 1_900_000_000_000;
const flows = createFlowStore(env.DB);
const state = async (id: string) => {
  const { status, held, blocked_by, wake_at } = await rowOf(id);
  return { status, held, blocked_by, wake_at };
};
const retry = async (id: string, now: number) => {
  const rows = await flows.read(OWNER, id);
  if (!rows) throw new Error('no flow');
  return flows.retry(rows.flow, planRetry(rows, null), now);
};

beforeEach(clearFlows);

describe('an insert', () => {
  it('holds what waits for others, and may be repeated', async () => {
    const { flow, tasks, edges, idOf } = await storeFlow(
      { a: sum(1), b: sum('a.result.result') },
      NOW,
    );
    expect(await state(idOf('a'))).toMatchObject({ held: null, wake_at: NOW + 5_000 });
    expect(await state(idOf('b'))).toMatchObject({ held: 'flow', wake_at: null, blocked_by: 1 });
    expect((await flows.insert(flow, tasks, edges)).size).toBe(0);
    expect(await flowRow(flow.id)).toMatchObject({ open: 2, tasks: 2, status: 'PENDING' });
  });

  it('stores no task of a flow whose idempotency key another one has', async () => {
    const first = await storeFlow({ a: sum(1) }, NOW);
    const key = { idempotency_key: 'k', fingerprint: 'f' };
    await env.DB.prepare(`UPDATE flows SET idempotency_key = 'k' WHERE id = ?`)
      .bind(first.flow.id)
      .run();
    const other = await storeFlow({ a: sum(1) }, NOW);
    await clearFlows();
    await flows.insert({ ...first.flow, ...key }, first.tasks, first.edges);
    expect((await flows.insert({ ...other.flow, ...key }, other.tasks, other.edges)).size).toBe(0);
    expect(await env.DB.prepare('SELECT count(*) AS n FROM tasks').first('n')).toBe(1);
  });
});

describe('an end', () => {
  it('lets others go once all that they wait for has ended, and closes the flow', async () => {
    const { flow, idOf } = await storeFlow(
      { a: sum(1), b: sum(1), c: sum(1, 1, { after: ['a', 'b'] }) },
      NOW,
    );
    await endTask(idOf('a'), NOW + 1);
    expect(await state(idOf('c'))).toMatchObject({ blocked_by: 1, wake_at: null });
    expect(await flowRow(flow.id)).toMatchObject({ status: 'IN_PROGRESS', open: 2 });
    await endTask(idOf('b'), NOW + 2);
    expect(await state(idOf('c'))).toMatchObject({ blocked_by: 0, wake_at: NOW + 2 });
    await endTask(idOf('c'), NOW + 3);
    expect(await flowRow(flow.id)).toMatchObject({
      status: 'COMPLETED',
      open: 0,
      completed_at: NOW + 3,
    });
  });

  it.each([
    ['stop', 'FAILED', -2, 'FAILED'],
    ['stop', 'CANCELLED', -2, 'CANCELLED'],
    ['continue', 'FAILED', 0, 'COMPLETED'],
    ['continue', 'CANCELLED', 0, 'COMPLETED'],
  ] as const)(
    'with %s, %s: the next is blocked by %s',
    async (on_failure, end, blocked_by, status) => {
      const { flow, idOf } = await storeFlow({ a: sum(1), b: sum(1, 1, { after: ['a'] }) }, NOW, {
        on_failure,
      });
      await endTask(idOf('a'), NOW + 1, end);
      expect(await state(idOf('b'))).toMatchObject({ blocked_by, wake_at: NOW + 1 });
      await endTask(idOf('b'), NOW + 2, on_failure === 'stop' ? 'CANCELLED' : undefined);
      expect((await flowRow(flow.id)).status).toBe(status);
    },
  );

  it('of the last one that failed is one of the flow, whatever it does about failures', async () => {
    const { flow, idOf } = await storeFlow({ a: sum(1), b: sum(1, 1, { after: ['a'] }) }, NOW, {
      on_failure: 'continue',
    });
    await endTask(idOf('a'), NOW + 1);
    await endTask(idOf('b'), NOW + 2, 'FAILED');
    expect((await flowRow(flow.id)).status).toBe('FAILED');
  });

  it('is delivered once, to the callback of the flow', async () => {
    const { flow, idOf } = await storeFlow({ a: sum(1), b: sum(1) }, NOW, {
      callback_url: 'https://receiver.example.com/',
    });
    await endTask(idOf('a'), NOW + 1);
    await endTask(idOf('b'), NOW + 2);
    const { results } = await env.DB.prepare('SELECT * FROM deliveries').all();
    expect(results).toMatchObject([
      { task_id: flow.id, subject: 'flow', status: 'COMPLETED', sink: 'callback', state: 'OPEN' },
    ]);
  });

  it('does not wake what is paused: it goes on when it is resumed', async () => {
    const { idOf } = await storeFlow({ a: sum(1), b: sum(1, 1, { after: ['a'] }) }, NOW);
    const transitions = createTransitions(env.DB);
    await transitions.command('pause', OWNER, idOf('b'), NOW);
    await endTask(idOf('a'), NOW + 1);
    expect(await state(idOf('b'))).toMatchObject({ status: 'PAUSED', wake_at: null });
    await transitions.command('resume', OWNER, idOf('b'), NOW + 2);
    expect(await state(idOf('b'))).toMatchObject({ held: 'flow', blocked_by: 0, wake_at: NOW + 2 });
  });
});

it('is cancelled as a whole, and says so whatever failed before', async () => {
  const { flow, idOf } = await storeFlow(
    { a: sum(1), b: sum(1, 1, { after: ['a'] }), c: sum(1) },
    NOW,
  );
  await endTask(idOf('a'), NOW + 1, 'FAILED');
  const cancelled = await flows.cancel(flow, NOW + 2);
  expect(cancelled.map(({ node }) => node).toSorted()).toEqual(['b', 'c']);
  expect(await flowRow(flow.id)).toMatchObject({ status: 'CANCELLED', open: 0 });
  expect(await flows.cancel(flow, NOW + 3)).toEqual([]);
});

describe('a retry', () => {
  it('puts back what failed and what waited for it, and counts anew', async () => {
    const { flow, idOf } = await storeFlow(
      { a: sum(1), b: sum('a.result.result'), c: sum(1, 1, { after: ['b'] }) },
      NOW,
    );
    await endTask(idOf('a'), NOW + 1, 'FAILED');
    await env.DB.prepare(
      `UPDATE tasks SET status = 'CANCELLED', end_reason = 'upstream_failed', completed_at = ?1, held = NULL, wake_at = NULL WHERE flow_id = ?2 AND completed_at IS NULL`,
    )
      .bind(NOW + 2, flow.id)
      .run();
    expect((await flowRow(flow.id)).status).toBe('FAILED');
    expect(await retry(flow.id, NOW + 3)).toHaveLength(3);
    expect(await state(idOf('a'))).toMatchObject({ status: 'PENDING', held: null });
    expect(await state(idOf('b'))).toMatchObject({ held: 'flow', blocked_by: 1, wake_at: null });
    expect(await state(idOf('c'))).toMatchObject({ held: 'flow', blocked_by: 1, wake_at: null });
    expect(await flowRow(flow.id)).toMatchObject({
      status: 'IN_PROGRESS',
      open: 3,
      completed_at: null,
    });
  });

  it('does nothing when the flow has changed since it was read', async () => {
    const { flow, idOf } = await storeFlow({ a: sum(1), b: sum(1) }, NOW);
    await endTask(idOf('a'), NOW + 1, 'FAILED');
    const rows = await flows.read(OWNER, flow.id);
    if (!rows) throw new Error('no flow');
    await endTask(idOf('b'), NOW + 2);
    expect(await flows.retry(rows.flow, planRetry(rows, null), NOW + 3)).toEqual([]);
    expect(await retry(flow.id, NOW + 4)).toHaveLength(1);
  });
});
