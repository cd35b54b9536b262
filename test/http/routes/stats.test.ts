import { env } from 'cloudflare:workers';
import { runDurableObjectAlarm } from 'cloudflare:test';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { METRICS_NAME } from '../../../src/metrics/metrics.ts';
import { createMinute } from '../../../src/metrics/snapshot.ts';
import { call } from '../../support/client.ts';
import { storeKey } from '../../support/keys.ts';
import { flushCounts } from '../../support/metrics.ts';

interface Stats {
  counts: Record<string, number>;
  oldest_waiting_seconds: number | null;
  minutes: Record<string, number>[];
  wait_seconds: { count: number; p50: number };
  run_seconds: { count: number; p50: number };
}

const owner = async (name: string) => {
  const { key } = await storeKey(name, ['tasks:read', 'tasks:write']);
  return { headers: { Authorization: `Bearer ${key}` } };
};

beforeAll(flushCounts);

describe('/stats', () => {
  it('counts an owner’s tasks by status, minute and time, and no other owner’s', async () => {
    const mine = await owner('counted');
    const post = (json: object) => call('/tasks', { json, ...mine });
    const { task_id } = await (
      await post({ type: 'sum', params: { a: 1, b: 1 } })
    ).json<{ task_id: string }>();
    await post({ type: 'sum', params: { a: 1, b: 1 }, delay_seconds: 600 });
    await post({ type: 'broken', params: {}, max_attempts: 1 });
    expect(task_id).toBeTruthy();
    await vi.waitFor(
      async () => {
        const stats = await (await call('/stats?minutes=5', mine)).json<Stats>();
        expect(stats.counts).toEqual({
          NEW: 1,
          PENDING: 0,
          IN_PROGRESS: 0,
          PAUSED: 0,
          COMPLETED: 1,
          FAILED: 1,
          CANCELLED: 0,
        });
        const sum = (name: string) =>
          stats.minutes.reduce((all, minute) => all + (minute[name] ?? 0), 0);
        expect({
          submitted: sum('submitted'),
          completed: sum('completed'),
          failed: sum('failed'),
        }).toEqual({ submitted: 3, completed: 1, failed: 1 });
        expect([stats.wait_seconds.count, stats.run_seconds.count]).toEqual([2, 2]);
        expect(stats.run_seconds.p50).toBeLessThan(5);
      },
      { timeout: 10_000, interval: 200 },
    );
    const nobody = await (await call('/stats', await owner('nobody'))).json<Stats>();
    expect([nobody.counts['COMPLETED'], nobody.minutes]).toEqual([0, []]);
  });

  it('keeps a day of minutes, and forgets the rest', async () => {
    const metrics = env.METRICS.getByName(METRICS_NAME);
    const now = Date.parse('2026-01-02T00:00:30Z');
    const at = (minutesAgo: number) => ({
      counters: {},
      histograms: {},
      minutes: new Map([
        [
          'kept',
          new Map([[Math.floor(now / 60_000) - minutesAgo, { ...createMinute(), submitted: 1 }]]),
        ],
      ]),
    });
    for (const minutesAgo of [1_500, 1_439, 10, 0]) {
      await metrics.add(at(minutesAgo));
      await runDurableObjectAlarm(metrics);
    }
    await metrics.add(at(0));
    expect(
      (await metrics.readMinutes('kept', 1_440, now)).map(({ minute }) => minute.submitted),
    ).toEqual([1, 1, 2]);
    expect(await metrics.readMinutes('kept', 2_000, now)).toHaveLength(3);
    expect(await metrics.readMinutes('kep', 1_440, now)).toEqual([]);
  });
});
