import { env } from 'cloudflare:workers';
import { beforeEach, expect, it } from 'vitest';
import { toMomentKey } from '../../src/domain/schedule-key.ts';
import { OWNER, store } from '../support/rows.ts';
import { aMoment, endTask, schedules, storeSchedule } from '../support/schedules.ts';

const START = 1_900_000_000_000;
beforeEach(async () => {
  await env.DB.prepare('DELETE FROM schedules').run();
});

it('reads as little of a hundred thousand that are not due as of ten', async () => {
  const fill = (count: number) =>
    env.DB.prepare(
      `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?2)
      INSERT INTO schedules (owner, id, name, timezone, every_ms, overlap, catch_up,
        catch_up_window_ms, next_at, wake_at, created_at, updated_at, task)
      SELECT 'fill-' || (i % 100), 'id-' || ?2 || '-' || i, 's' || ?2 || '-' || i, 'UTC', 10000,
        'allow', 'latest', 86400000, ?1 + i, ?1 + i, ?1, ?1, '{}'
      FROM n`,
    )
      .bind(START + 1_000, count)
      .run();
  const readRows = async (): Promise<number> => {
    const { results, meta } = await env.DB.prepare(
      'SELECT min(wake_at) AS at FROM schedules WHERE wake_at IS NOT NULL',
    ).all();
    expect(results).toEqual([{ at: START + 1_001 }]);
    expect(await schedules.listDue(START, 500)).toEqual([]);
    return meta.rows_read;
  };
  await fill(10);
  const few = await readRows();
  await fill(100_000);
  expect([few, await readRows()]).toEqual([1, 1]);
});

it('finds by id and by name, of the owner alone', async () => {
  const { id, name } = await storeSchedule();
  expect((await schedules.find(OWNER, id))?.id).toBe(id);
  expect((await schedules.find(OWNER, name))?.id).toBe(id);
  expect(await schedules.find('another', name)).toBeNull();
});

it('knows what runs of a schedule whose overlap matters', async () => {
  const row = await storeSchedule({ overlap: 'skip' });
  const open = aMoment(row.id, START);
  const over = aMoment(row.id, START + 1);
  await store(open, over);
  await endTask(over.id, START + 2);
  const [due] = await schedules.listDue(START + 10_000, 10);
  expect(JSON.parse(due?.unfinished ?? '')).toEqual([
    { id: open.id, key: toMomentKey(row.id, START) },
  ]);
});

it('lists by name, with the newest tasks of each', async () => {
  const b = await storeSchedule({ name: 'b' });
  await storeSchedule({ name: 'a' });
  const first = aMoment(b.id, START);
  await store(first);
  const second = aMoment(b.id, START + 1);
  await store(second);
  const listed = await schedules.list(OWNER, { limit: 10, recent: 1 });
  expect(listed.map(({ name }) => name)).toEqual(['a', 'b']);
  expect(JSON.parse(listed[1]?.recent ?? '')).toMatchObject([{ id: second.id, status: 'PENDING' }]);
  expect(await schedules.list(OWNER, { after: 'a', limit: 1, recent: 0 })).toHaveLength(1);
  expect(await schedules.list(OWNER, { isPaused: true, limit: 9, recent: 0 })).toEqual([]);
});
