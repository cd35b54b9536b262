import { env } from 'cloudflare:workers';
import { evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { METRICS_NAME, type Metrics } from '../../../src/metrics/metrics.ts';
import { call, finished, submit, watch } from '../../support/client.ts';
import { storeKey } from '../../support/keys.ts';
import { flushCounts } from '../../support/metrics.ts';

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

beforeAll(flushCounts);

describe('/metrics', () => {
  it('counts submits, attempts by outcome, waits and looks at the cache', async () => {
    const before = await samples();
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
          Object.fromEntries(
            Object.keys(wanted).map((name) => [
              name,
              (told.get(name) ?? 0) -
                (name.startsWith('tasker_tasks{') ? 0 : (before.get(name) ?? 0)),
            ]),
          ),
        ).toEqual(wanted);
        expect(
          (told.get('tasker_cache_hits_total') ?? 0) + (told.get('tasker_cache_misses_total') ?? 0),
        ).toBeGreaterThan(0);
      },
      { timeout: 10_000, interval: 200 },
    );
  });

  it('never goes back, not even when the Metrics object is evicted, and asks no more of it than once a second', async () => {
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
      { timeout: 10_000, interval: 200 },
    );
    expect(add.mock.calls.length).toBeLessThan(12);
    add.mockRestore();
  });

  it('counts open streams', async () => {
    const { socket } = await watch('/events');
    await vi.waitFor(
      async () => expect((await samples()).get('tasker_board_subscribers')).toBeGreaterThan(0),
      {
        timeout: 10_000,
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
