import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { retrySql, runnableSql } from '../../src/store/runnable.ts';

const NOW = 1_900_000_000_000;

const decide = async (
  build: typeof retrySql,
  { scheduledAt, isPaused }: { scheduledAt: number | null; isPaused: boolean },
) => {
  await env.DB.prepare('DELETE FROM queues').run();
  if (isPaused) await env.DB.prepare(`INSERT INTO queues (name, paused_at) VALUES ('q', 1)`).run();
  const { status, held, wakeAt } = build({
    now: '?1',
    scheduledAt: '?2',
    queue: `'q'`,
    timeoutMs: '60000',
  });
  const sql = `SELECT ${status} AS status, ${held} AS held, ${wakeAt} AS wake_at`;
  return env.DB.prepare(sql).bind(NOW, scheduledAt).first();
};

it.each([
  [null, false, 'PENDING', null, NOW + 5_000],
  [NOW - 1, false, 'PENDING', null, NOW + 5_000],
  [NOW, false, 'PENDING', null, NOW + 5_000],
  [NOW + 1, false, 'NEW', 'time', NOW + 1],
  [NOW + 1, true, 'NEW', 'time', NOW + 1],
  [null, true, 'PENDING', 'queue', null],
])('a task for %s, paused: %s', async (scheduledAt, isPaused, status, held, wake_at) => {
  expect(await decide(runnableSql, { scheduledAt, isPaused })).toEqual({ status, held, wake_at });
});

it.each([
  [NOW + 30_000, false, null, NOW + 35_000],
  [NOW + 30_001, false, 'time', NOW + 30_001],
  [NOW + 30_000, true, 'queue', null],
])('a retry at %s, paused: %s', async (scheduledAt, isPaused, held, wake_at) => {
  const decided = await decide(retrySql, { scheduledAt, isPaused });
  expect(decided).toMatchObject({ held, wake_at });
});
