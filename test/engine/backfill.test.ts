import { expect, it } from 'vitest';
import { createBackfill } from '../../src/engine/backfill.ts';
import { toMomentKey } from '../../src/domain/schedule-key.ts';
import { aTask, OWNER, store } from '../support/rows.ts';
import { schedules, storeSchedule } from '../support/schedules.ts';

const BY = { requestId: '', ownHost: '', taskTypes: null, consumeMetered: async () => {} };

it('leaves what is due to the clock, and what has a task as it is', async () => {
  const row = await storeSchedule();
  const start = row.created_at;
  const asked: (string | null)[] = [];
  const backfill = createBackfill({
    schedules,
    submit: async ({ requests, findKey }) => {
      const keys = requests.map((_, i) => findKey(i));
      asked.push(...keys);
      return keys.map((key) => ({ task: aTask({ idempotencyKey: key }), replayed: false }));
    },
    find: async () => ({ ...row, next_at: start + 40_000 }),
  });
  const there = aTask({ parentId: row.id, idempotencyKey: toMomentKey(row.id, start + 20_000) });
  await store(there);
  const range = { from: start, to: start + 90_000 };
  const dry = await backfill(OWNER, row.id, { ...range, isDry: true }, BY);
  expect(asked).toEqual([]);
  const done = await backfill(OWNER, row.id, { ...range, isDry: false }, BY);
  expect(done.map(({ moment }) => moment - start)).toEqual([0, 10_000, 20_000, 30_000]);
  expect(done.map(({ isNew }) => isNew)).toEqual([true, true, false, true]);
  expect([dry[2]?.taskId, done[2]?.taskId]).toEqual([there.id, there.id]);
  expect(dry[0]?.taskId).toBeNull();
  expect(asked).toEqual([0, 10_000, 30_000].map((ms) => toMomentKey(row.id, start + ms)));
});
