import { beforeEach, describe, expect, it } from 'vitest';
import { clearFlows, endTask, flowRow, storeFlow, sum } from '../support/flows.ts';
import { NOW, setupRelease as setup } from '../support/flow-release.ts';
import { rowOf } from '../support/rows.ts';

beforeEach(clearFlows);

describe('after an end', () => {
  it('fills the next in, sends it to its queue, and tells', async () => {
    const { releaseAfter, sent, published, alarms } = setup();
    const { idOf } = await storeFlow({ a: sum(1), b: sum('a.result.result', 5) }, NOW);
    await releaseAfter([await endTask(idOf('a'), NOW, { result: { result: 7 } })]);
    expect(await rowOf(idOf('b'))).toMatchObject({ held: null, params: '{"a":7,"b":5}' });
    expect(sent.map(({ id }) => id)).toEqual([idOf('b')]);
    expect(published.map(({ id }) => id)).toEqual([idOf('b')]);
    expect(alarms).toEqual([NOW + 5_010]);
  });

  it('does nothing for tasks without a flow, and for ends that let nothing go', async () => {
    const { releaseAfter, alarms, sent } = setup(() => ({
      findAfter: () => Promise.reject(new Error('asked')),
    }));
    await releaseAfter([{ ...(await storeFlow({ a: sum(1) }, NOW)).tasks[0] } as never]);
    expect([alarms, sent]).toEqual([[], []]);
  });

  it('fails what does not fit, cancels what waits for that, and closes the flow', async () => {
    const { releaseAfter, delivered, counted } = setup();
    const { flow, idOf } = await storeFlow(
      {
        a: sum(1),
        b: sum('a.result.nothing'),
        c: sum('b.result.result'),
        d: sum('c.result.result'),
      },
      NOW,
      { callback_url: 'https://receiver.example.com/' },
    );
    await releaseAfter([await endTask(idOf('a'), NOW)]);
    expect(await rowOf(idOf('b'))).toMatchObject({ status: 'FAILED' });
    expect(await rowOf(idOf('d'))).toMatchObject({
      status: 'CANCELLED',
      end_reason: 'upstream_failed',
    });
    expect((await flowRow(flow.id)).status).toBe('FAILED');
    expect(delivered).toMatchObject([{ task_id: flow.id, sink: 'callback' }]);
    expect(counted).toEqual(['FAILED']);
  });

  it('keeps what is delayed until its time', async () => {
    const { releaseAfter, alarms, sent } = setup();
    const { idOf } = await storeFlow(
      { a: sum(1), b: sum('a.result.result', 1, { delay_seconds: 60 }) },
      NOW,
    );
    await releaseAfter([await endTask(idOf('a'), NOW)]);
    expect(await rowOf(idOf('b'))).toMatchObject({ held: 'time', wake_at: NOW + 60_010 });
    expect([sent, alarms.includes(NOW + 60_010)]).toEqual([[], true]);
  });

  it('releases one after the other where the database refuses one of them', async () => {
    const { releaseAfter, sent } = setup((real) => ({
      release: (rows, now) =>
        rows.length > 1 || rows.some(({ params }) => params?.includes('13'))
          ? Promise.reject(new Error('CHECK constraint failed: x: SQLITE_CONSTRAINT'))
          : real.release(rows, now),
    }));
    const { idOf } = await storeFlow(
      { a: sum(1), b: sum('a.result.result', 12), c: sum('a.result.result', 13) },
      NOW,
    );
    await releaseAfter([await endTask(idOf('a'), NOW)]);
    expect(sent.map(({ id }) => id)).toEqual([idOf('b')]);
    expect(await rowOf(idOf('c'))).toMatchObject({ status: 'FAILED' });
  });

  it('leaves what fails to the clock, which comes soon', async () => {
    let isBroken = true;
    const { releaseAfter, releaseDue, alarms, sent, events } = setup((real) => ({
      release: (rows, now) =>
        isBroken ? Promise.reject(new Error('Network connection lost.')) : real.release(rows, now),
    }));
    const { idOf } = await storeFlow({ a: sum(1), b: sum('a.result.result') }, NOW);
    await releaseAfter([await endTask(idOf('a'), NOW)]);
    expect(events()).toContain('release_failed');
    expect(alarms.at(-1)).toBe(NOW + 5_010);
    isBroken = false;
    expect(await releaseDue()).toBe(false);
    expect(sent.map(({ id }) => id)).toEqual([idOf('b')]);
  });
});
