import { beforeAll, describe, expect, it, vi } from 'vitest';
import { call } from '../../support/client.ts';
import { storeKey } from '../../support/keys.ts';
import { flushCounts } from '../../support/metrics.ts';

interface Stats {
  counts: Record<string, number>;
  oldest_waiting_seconds: number | null;
  minutes: Record<string, number>[];
  wait_seconds: { count: number; p50: number };
  run_seconds: { count: number; p50: number };
  step_seconds: number;
  groups: { key: string; completed: number; failed: number }[];
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

  it('tells what happened by type, queue and outcome, within any time', async () => {
    const mine = await owner('divided');
    const post = (json: object) => call('/tasks', { json, ...mine });
    await post({ type: 'sum', params: { a: 1, b: 1 } });
    await post({ type: 'broken', params: {}, max_attempts: 1, priority: 'LOW' });
    const read = async (query: string) => (await call(`/stats?${query}`, mine)).json<Stats>();
    await vi.waitFor(
      async () => {
        const { groups } = await read('from=6h&by=type');
        expect(groups.map(({ key, completed, failed }) => [key, completed, failed])).toEqual([
          ['sum', 1, 0],
          ['broken', 0, 1],
        ]);
      },
      { timeout: 10_000, interval: 200 },
    );
    const keys = async (query: string) => (await read(query)).groups.map(({ key }) => key);
    expect(await keys('from=6h&by=queue')).toEqual(['default-medium', 'default-low']);
    expect(await keys('from=30d&by=outcome')).toEqual(['completed', 'failed']);
    expect(await keys('from=6h&by=type&type=sum')).toEqual(['sum']);
    expect(await keys('from=2020-01-01&to=2020-01-02&step=1d').catch(() => 'refused')).toBe(
      'refused',
    );
    const stats = await read('from=30d');
    expect([stats.step_seconds, stats.minutes]).toEqual([86_400, []]);
  });

  it.each([
    ['from=91d', 'from', /90 days/],
    ['from=5d&step=5m', 'step', /1h/],
    ['from=1h&to=2h', 'from', /before/],
    ['from=90d&step=1m', 'step', /choose a longer/],
    ['minutes=5&from=1h', 'minutes', /either/],
    ['from=yesterday', 'from', /./],
    ['step=0m', 'step', /5m/],
    ['by=owner', 'by', /./],
  ])('refuses %s', async (query, path, message) => {
    const response = await call(`/stats?${query}`);
    const { errors } = await response.json<{ errors: { path: string; message: string }[] }>();
    expect(response.status).toBe(422);
    expect(errors.find((each) => each.path === path)?.message).toMatch(message);
  });
});
