import { env } from 'cloudflare:workers';
import { beforeEach, describe, expect, it } from 'vitest';
import { clearFlows, endTask, storeFlow, sum } from '../support/flows.ts';
import type { FlowNodeRequest } from '../../src/domain/flow-request.ts';
import { catalog } from '../../src/handlers/catalog.ts';
import { createFlowValues } from '../../src/engine/flow-values.ts';
import { createReleaseStore } from '../../src/store/releases.ts';
import { createSweeps } from '../../src/store/sweeps.ts';
import { NOW, setupRelease as setup } from '../support/flow-release.ts';
import { looksUntil, rowOf } from '../support/rows.ts';

beforeEach(clearFlows);

const list = (more: Partial<FlowNodeRequest> = {}) => ({
  a: sum(1),
  each: sum('item', 10, { for_each: { $from: 'a.result.list' }, ...more }),
  end: sum(1, 1, { after: ['each'] }),
});
const made = async () =>
  (
    await env.DB.prepare('SELECT * FROM tasks WHERE item IS NOT NULL ORDER BY item').all<{
      id: string;
      item: number;
      params: string;
      status: string;
    }>()
  ).results;

describe('a list node', () => {
  const run = async (result: unknown, more: Partial<FlowNodeRequest> = {}, on_failure = 'stop') => {
    const parts = setup();
    const flow = await storeFlow(list(more), NOW, { on_failure: on_failure as 'stop' });
    await parts.releaseAfter([await endTask(flow.idOf('a'), NOW, { result })]);
    return { ...parts, ...flow };
  };

  it('makes a task for each item, waits for them, and hands their list on', async () => {
    const { sent, idOf, releaseAfter } = await run({ list: [1, 2, 3] });
    const items = await made();
    expect(items.map(({ params }) => params)).toEqual([
      '{"a":1,"b":10}',
      '{"a":2,"b":10}',
      '{"a":3,"b":10}',
    ]);
    expect(sent).toHaveLength(3);
    expect(await rowOf(idOf('each'))).toMatchObject({ items: 3, blocked_by: 3 });
    for (const { id } of items) await releaseAfter([await endTask(id, NOW + 1)]);
    expect(await rowOf(idOf('each'))).toMatchObject({
      status: 'COMPLETED',
      result: '{"items":3,"completed":3,"failed":0,"cancelled":0}',
    });
    expect(await rowOf(idOf('end'))).toMatchObject({ held: null });
  });

  it('of an empty list completes at once', async () => {
    const { idOf } = await run({ list: [] });
    expect(await rowOf(idOf('each'))).toMatchObject({ status: 'COMPLETED', items: 0 });
    expect(await rowOf(idOf('end'))).toMatchObject({ held: null });
  });

  it.each([
    ['no list', { list: 5 }, 'not_a_list'],
    ['nothing', {}, 'not_a_list'],
    ['too many', { list: Array.from({ length: 1_001 }, () => 1) }, 'too_many_items'],
  ])('of %s fails', async (_what, result, code) => {
    const { idOf } = await run(result);
    const row = await rowOf(idOf('each'));
    expect(row.status).toBe('FAILED');
    expect(row.attempts).toContain(code);
    expect(await made()).toEqual([]);
  });

  it('fails when any of its tasks fails, and goes on with the rest where the flow does', async () => {
    for (const [on_failure, status] of [
      ['stop', 'FAILED'],
      ['continue', 'COMPLETED'],
    ] as const) {
      await clearFlows();
      const { idOf, releaseAfter } = await run({ list: [1, 2] }, {}, on_failure);
      const [first, second] = await made();
      await releaseAfter([await endTask(first?.id ?? '', NOW, 'FAILED')]);
      await releaseAfter([await endTask(second?.id ?? '', NOW)]);
      expect((await rowOf(idOf('each'))).status).toBe(status);
    }
  });

  it('makes an item that does not fit as well, which then fails by itself', async () => {
    const { releaseDue } = await run({ list: [1, 'x'] });
    await releaseDue();
    expect((await made()).map(({ status }) => status)).toEqual(['PENDING', 'FAILED']);
  });

  it('keeps a long template once, for all of its tasks', async () => {
    const text = 'x'.repeat(20_000);
    const parts = setup();
    const flow = await storeFlow(
      {
        a: sum(1),
        each: {
          ...sum(1),
          type: 'data_processing',
          params: { data: [{ text, i: { $from: 'item' } }], operations: [] },
          for_each: { $from: 'a.result.list' },
        },
      },
      NOW,
    );
    await parts.releaseAfter([await endTask(flow.idOf('a'), NOW, { result: { list: [5, 6] } })]);
    const items = await made();
    expect(items.map(({ params }) => params)).toEqual(['{}', '{}']);
    const values = createFlowValues(createReleaseStore(env.DB));
    const filled = await values.fillAtRun((await rowOf(items[1]?.id ?? '')) as never);
    expect(filled).toMatchObject({ params: { data: [{ text, i: 6 }] } });
  });

  it('goes on where it was when its tasks are too much for one turn', async () => {
    const parts = setup();
    const text = 'x'.repeat(400_000);
    const flow = await storeFlow(
      {
        a: sum(1),
        each: {
          ...sum(1),
          type: 'data_processing',
          params: { data: [{ text, i: { $from: 'item' } }], operations: [] },
          for_each: { $from: 'a.result.list' },
        },
      },
      NOW,
    );
    const numbers = Array.from({ length: 40 }, (_, i) => i);
    await parts.releaseAfter([await endTask(flow.idOf('a'), NOW, { result: { list: numbers } })]);
    expect((await made()).length).toBeLessThan(40);
    expect(await rowOf(flow.idOf('each'))).toMatchObject({ items: null, wake_at: NOW + 110 });
    await env.DB.prepare('UPDATE tasks SET wake_at = 1 WHERE id = ?').bind(flow.idOf('each')).run();
    await parts.releaseDue();
    expect((await made()).map(({ item }) => item)).toEqual(numbers);
    expect(await rowOf(flow.idOf('each'))).toMatchObject({ items: 40, blocked_by: 40 });
  });

  it('does not expire once it has made its tasks', async () => {
    const { idOf } = await run({ list: [1] }, { expires_in_seconds: 60 });
    await env.DB.prepare('UPDATE tasks SET expires_at = 1 WHERE id = ?').bind(idOf('each')).run();
    const { expired } = await createSweeps(env.DB).sweep(NOW, 10, looksUntil(NOW));
    expect(expired.map(({ id }) => id)).toEqual([]);
    expect((await rowOf(idOf('each'))).status).toBe('PENDING');
  });

  it('that was interrupted makes those that are missing, and none twice', async () => {
    const { releaseDue, idOf } = await run({ list: [1, 2, 3] });
    await env.DB.prepare('DELETE FROM tasks WHERE item = 1').run();
    await env.DB.prepare('UPDATE flows SET open = open - 1, tasks = tasks - 1').run();
    await env.DB.prepare(
      `UPDATE tasks SET items = NULL, blocked_by = 0, wake_at = ?1 WHERE id = ?2`,
    )
      .bind(NOW, idOf('each'))
      .run();
    await releaseDue();
    expect((await made()).map(({ item }) => item)).toEqual([0, 1, 2]);
  });

  it('of a metered type makes as many as may be, and the rest later', async () => {
    const parts = setup();
    const flow = await storeFlow(
      {
        a: sum(1),
        each: {
          type: 'weather',
          params: { city: { $from: 'item' } },
          priority: 'MEDIUM',
          for_each: { $from: 'a.result.list' },
        },
      },
      NOW,
    ).catch(() => null);
    if (!flow) return expect(catalog.find('', 'weather')).toBeUndefined();
    parts.refuseMetered();
    await parts.releaseAfter([await endTask(flow.idOf('a'), NOW, { result: { list: ['x'] } })]);
    expect(await made()).toEqual([]);
    expect(await rowOf(flow.idOf('each'))).toMatchObject({ items: null, wake_at: NOW + 10_010 });
  });
});
