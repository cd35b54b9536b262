import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { retrySql, runnableSql } from '../../src/store/runnable.ts';

const NOW = 1_900_000_000_000;

const decide = async (
  build: typeof retrySql,
  {
    scheduledAt,
    isPaused,
    limitKey = 'NULL',
    blockedBy = 'NULL',
  }: { scheduledAt: number | null; isPaused: boolean; limitKey?: string; blockedBy?: string },
) => {
  await env.DB.prepare('DELETE FROM queues').run();
  if (isPaused) await env.DB.prepare(`INSERT INTO queues (name, paused_at) VALUES ('q', 1)`).run();
  const { status, held, wakeAt, turn } = build({
    now: '?1',
    scheduledAt: '?2',
    queue: `'q'`,
    timeoutMs: '60000',
    limitKey,
    blockedBy,
    priority: `'HIGH'`,
    id: `'an-id'`,
  });
  const sql = `SELECT ${status} AS status, ${held} AS held, ${wakeAt} AS wake_at, ${turn} AS turn`;
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
  expect(await decide(runnableSql, { scheduledAt, isPaused })).toEqual({
    status,
    held,
    wake_at,
    turn: null,
  });
});

it.each([
  [NOW + 30_000, false, null, NOW + 35_000],
  [NOW + 30_001, false, 'time', NOW + 30_001],
  [NOW + 30_000, true, 'queue', null],
])('a retry at %s, paused: %s', async (scheduledAt, isPaused, held, wake_at) => {
  const decided = await decide(retrySql, { scheduledAt, isPaused });
  expect(decided).toMatchObject({ held, wake_at });
});

it.each([
  [runnableSql, null, false, 'limit', null, '0an-id'],
  // The pause of its queue comes after its limit.
  [runnableSql, null, true, 'limit', null, '0an-id'],
  [runnableSql, NOW + 1, false, 'time', NOW + 1, null],
  // No message of its own brings it back.
  [retrySql, NOW + 1, false, 'time', NOW + 1, null],
  [retrySql, NOW, false, 'limit', null, '0an-id'],
] as const)(
  '%o of a task with a limit, for %s, paused: %s',
  async (build, scheduledAt, isPaused, held, wake_at, turn) => {
    const decided = await decide(build, { scheduledAt, isPaused, limitKey: `'k'` });
    expect(decided).toMatchObject({ held, wake_at, turn });
  },
);

it.each([
  // It waits for two, whatever its time, its limit and its queue.
  [2, NOW + 1, 'flow', null],
  // Nothing keeps it, or it cannot run: the release step looks at it at once.
  [0, NOW + 1, 'flow', NOW],
  [-2, null, 'flow', NOW],
  // It was released, and its parameters are filled in when it runs.
  [-1, null, 'limit', null],
  [-1, NOW + 1, 'time', NOW + 1],
])('a task of a flow, blocked by %s, for %s', async (blocked, scheduledAt, held, wake_at) => {
  const given = { scheduledAt, isPaused: true, limitKey: `'k'`, blockedBy: String(blocked) };
  const decided = await decide(runnableSql, given);
  expect(decided).toMatchObject({ held, wake_at, ...(held === 'flow' && { status: 'PENDING' }) });
});
