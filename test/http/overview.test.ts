import { env } from 'cloudflare:workers';
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { describe, expect, it, vi } from 'vitest';
import { METRICS_NAME, type Metrics } from '../../src/metrics/metrics.ts';
import {
  createMinute,
  observe,
  estimateQuantile,
  createHistogram,
} from '../../src/metrics/snapshot.ts';
import { call, finished, submit, watch } from '../support/client.ts';
import { storeKey } from '../support/keys.ts';

// What is told of many tasks together: counters, figures, groups of errors.

interface Stats {
  counts: Record<string, number>;
  oldest_waiting_seconds: number | null;
  minutes: Record<string, number>[];
  wait_seconds: { count: number; p50: number };
  run_seconds: { count: number; p50: number };
}

/** `name{labels}` -> value. */
const samples = async (): Promise<Map<string, number>> => {
  const response = await call('/metrics');
  expect(response.headers.get('Content-Type')).toContain('version=0.0.4');
  const lines = (await response.text())
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => [
      line.slice(0, line.lastIndexOf(' ')),
      Number(line.slice(line.lastIndexOf(' ') + 1)),
    ]),
  );
};

const owner = async (name: string) => {
  const { key } = await storeKey(name, ['tasks:read', 'tasks:write']);
  return { headers: { Authorization: `Bearer ${key}` } };
};

describe('/metrics', () => {
  it('counts submits, attempts by outcome, waits and looks at the cache', async () => {
    const ended = await Promise.all([
      ...Array.from({ length: 5 }, async () =>
        finished((await submit('sum', { a: 1, b: 1 })).task_id),
      ),
      finished((await submit('broken', {}, { max_attempts: 1 })).task_id),
      submit('flaky', { failures: 1 }).then(({ task_id }) => finished(task_id)),
    ]);
    await call(`/tasks/${ended[0]?.task_id}`);
    const wanted = {
      'tasker_tasks_submitted_total{task_name="sum"}': 5,
      'tasker_task_executions_total{task_name="sum",status="completed"}': 5,
      'tasker_task_executions_total{task_name="broken",status="failed"}': 1,
      'tasker_task_executions_total{task_name="flaky",status="retried"}': 1,
      'tasker_task_executions_total{task_name="flaky",status="completed"}': 1,
      'tasker_task_wait_seconds_count{task_name="flaky"}': 2,
      'tasker_task_execution_duration_seconds_count{task_name="sum"}': 5,
      'tasker_task_execution_duration_seconds_bucket{task_name="sum",le="+Inf"}': 5,
      'tasker_tasks{status="COMPLETED"}': 6,
      'tasker_tasks{status="FAILED"}': 1,
      'tasker_queue_backlog{queue="default-medium"}': 0,
    };
    await vi.waitFor(
      async () => {
        const told = await samples();
        expect(
          Object.fromEntries(Object.keys(wanted).map((name) => [name, told.get(name)])),
        ).toEqual(wanted);
        expect(
          (told.get('tasker_cache_hits_total') ?? 0) + (told.get('tasker_cache_misses_total') ?? 0),
        ).toBeGreaterThan(0);
      },
      { timeout: 4_000, interval: 200 },
    );
  });

  it('never goes back, not even when the meter is evicted, and asks no more of it than once a second', async () => {
    const before = await samples();
    await evictDurableObject(env.METRICS.getByName(METRICS_NAME));
    const after = await samples();
    for (const [name, value] of before)
      if (/_total|_count|_sum|_bucket/.test(name))
        expect(after.get(name), name).toBeGreaterThanOrEqual(value);
    const add = vi.spyOn(
      await runInDurableObject(
        env.METRICS.getByName(METRICS_NAME),
        (metrics: Metrics) => Object.getPrototypeOf(metrics) as Metrics,
      ),
      'add',
    );
    await call('/tasks/bulk', {
      json: { tasks: Array.from({ length: 100 }, () => ({ type: 'sum', params: { a: 1, b: 1 } })) },
    });
    for (let i = 0; i < 20; i += 1) await call('/tasks/0199b3c2-0000-7000-8000-000000000000');
    await vi.waitFor(
      async () =>
        expect(
          (await samples()).get('tasker_task_executions_total{task_name="sum",status="completed"}'),
        ).toBe(105),
      { timeout: 4_000, interval: 200 },
    );
    expect(add.mock.calls.length).toBeLessThan(12);
    add.mockRestore();
  });

  it('counts open streams', async () => {
    const { socket } = await watch('/events');
    await vi.waitFor(
      async () => expect((await samples()).get('tasker_board_subscribers')).toBeGreaterThan(0),
      {
        timeout: 4_000,
      },
    );
    socket.close();
  });

  it('needs its scope', async () => {
    const { key } = await storeKey('x', ['metrics:read']);
    const headers = { Authorization: `Bearer ${key}` };
    expect((await call('/metrics', { headers })).status).toBe(200);
    expect((await call('/tasks', { headers })).status).toBe(403);
  });
});

describe('/stats', () => {
  it('counts an owner’s tasks by status, minute and time, and nobody else’s', async () => {
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
      { timeout: 4_000, interval: 200 },
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
      minutes: {
        kept: { [Math.floor(now / 60_000) - minutesAgo]: { ...createMinute(), submitted: 1 } },
      },
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

describe('/errors', () => {
  it('groups failures by type and message', async () => {
    const mine = await owner('failing');
    const post = async (json: object) =>
      (
        await call('/tasks', {
          json: { max_attempts: 1, ...json },
          headers: { ...mine.headers, Prefer: 'wait=10' },
        })
      ).json();
    await Promise.all([
      post({ type: 'broken', params: {} }),
      post({ type: 'broken', params: {} }),
      post({ type: 'flaky', params: { failures: 9 } }),
    ]);
    const { groups } = await (
      await call('/errors', mine)
    ).json<{ groups: Record<string, unknown>[] }>();
    expect(groups.map(({ type, code, tasks }) => [type, code, tasks])).toEqual([
      ['broken', 'handler_error', 2],
      ['flaky', 'handler_error', 1],
    ]);
  });
});

describe('a histogram', () => {
  it('tells quantiles to within a bucket', () => {
    const histogram = createHistogram();
    expect(estimateQuantile(histogram, 0.5)).toBeNull();
    for (let ms = 1; ms <= 1_000; ms += 1) observe(histogram, ms / 1_000);
    expect(estimateQuantile(histogram, 0.5)).toBeCloseTo(0.5, 1);
    expect(estimateQuantile(histogram, 0.99)).toBeGreaterThan(0.9);
    observe(histogram, 1e9);
    expect(estimateQuantile(histogram, 1)).toBe(7_200);
  });
});
