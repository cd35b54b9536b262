import { env } from 'cloudflare:workers';
import { beforeEach, describe, expect, it } from 'vitest';
import { toMomentKey, toTriggerKey } from '../../src/domain/schedule-key.ts';
import { isUniqueViolation } from '../../src/store/failure.ts';
import { stay } from '../../src/engine/schedule-moves.ts';
import { aTask, OWNER, store } from '../support/rows.ts';
import { aSchedule, scheduleOf, schedules, storeSchedule } from '../support/schedules.ts';

const START = 1_900_000_000_000;
beforeEach(async () => {
  await env.DB.prepare('DELETE FROM schedules').run();
});

const aMoment = (id: string, moment: number) =>
  aTask({ parentId: id, idempotencyKey: toMomentKey(id, moment) });
const end = (id: string, at: number) =>
  env.DB.prepare(
    `UPDATE tasks SET status = 'CANCELLED', held = NULL, wake_at = NULL, completed_at = ? WHERE id = ?`,
  )
    .bind(at, id)
    .run();

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

it('takes a name once, and so many', async () => {
  const { name, id } = await storeSchedule();
  expect(await schedules.insert(aSchedule({ name }), 10)).toBeNull();
  expect(await schedules.insert(aSchedule(), 1)).toBeNull();
  const other = await storeSchedule();
  const change = { ...other, name, version: other.version, updated_at: 1 };
  await expect(schedules.edit(change)).rejects.toSatisfy(isUniqueViolation);
  expect((await scheduleOf(id)).version).toBe(1);
});

it('writes an edit of the version that was read alone', async () => {
  const row = await storeSchedule();
  expect(await schedules.edit({ ...row, timezone: 'Asia/Tokyo' })).toMatchObject({ version: 2 });
  expect(await schedules.edit({ ...row, timezone: 'Europe/Rome' })).toBeNull();
});

describe('the insert of a task', () => {
  it('notes the moment, also of one that waited', async () => {
    const { id } = await storeSchedule();
    await env.DB.prepare('UPDATE schedules SET queued_at = ? WHERE id = ?')
      .bind(START + 5, id)
      .run();
    await store(aMoment(id, START + 9));
    expect(await scheduleOf(id)).toMatchObject({ last_at: START + 9, queued_at: START + 5 });
    await store(aMoment(id, START + 5));
    expect(await scheduleOf(id)).toMatchObject({ last_at: START + 9, queued_at: null });
  });

  it('notes none for what somebody asked for, or another owner has', async () => {
    const { id } = await storeSchedule();
    const key = toTriggerKey(id, '1900000000001');
    await store(aTask({ parentId: id, idempotencyKey: key }));
    await store({ ...aMoment(id, START + 9), owner: 'another' });
    await store(aTask({ parentId: id }));
    expect((await scheduleOf(id)).last_at).toBeNull();
  });
});

describe('a moment that waits for a task', () => {
  it('is due once the task has ended', async () => {
    const row = await storeSchedule();
    const task = aMoment(row.id, START);
    await store(task);
    await env.DB.prepare('UPDATE schedules SET queued_at = 5 WHERE id = ?').bind(row.id).run();
    await end(task.id, START + 7);
    expect((await scheduleOf(row.id)).wake_at).toBe(START + 7);
  });

  it('is due at once where the task had ended before anybody waited', async () => {
    const row = await storeSchedule();
    const task = aMoment(row.id, START);
    await store(task);
    const [due] = await schedules.listDue(START + 10_000, 10);
    if (!due) throw new Error('None is due');
    await end(task.id, START + 10_001);
    const move = {
      ...stay(due),
      next: START + 20_000,
      wake: START + 20_000,
      queued: START + 10_000,
    };
    await schedules.move([move], START + 10_002);
    expect((await scheduleOf(row.id)).wake_at).toBe(START + 10_002);
  });
});

it('knows what runs of a schedule whose overlap matters', async () => {
  const row = await storeSchedule({ overlap: 'skip' });
  const open = aMoment(row.id, START);
  const over = aMoment(row.id, START + 1);
  await store(open, over);
  await end(over.id, START + 2);
  const [due] = await schedules.listDue(START + 10_000, 10);
  expect(JSON.parse(due?.unfinished ?? '')).toEqual([
    { id: open.id, key: toMomentKey(row.id, START) },
  ]);
});

it('moves only what stands where it stood', async () => {
  const row = await storeSchedule();
  const [due] = await schedules.listDue(START + 10_000, 10);
  if (!due) throw new Error('None is due');
  const move = { ...stay(due), next: START + 20_000, wake: START + 20_000, fired: 1 };
  await schedules.move([{ ...move, oldNext: START + 5_000 }], START);
  expect(await scheduleOf(row.id)).toMatchObject({ next_at: row.next_at, fired: 0 });
  await schedules.move([move], START);
  await schedules.move([move], START);
  expect(await scheduleOf(row.id)).toMatchObject({ next_at: START + 20_000, fired: 1 });
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

it('pauses what a key has planted', async () => {
  const mine = await storeSchedule({ created_by_key: 'k' });
  const other = await storeSchedule({ created_by_key: 'l' });
  expect(await schedules.pauseOfKey(OWNER, 'k', START)).toBe(1);
  expect(await scheduleOf(mine.id)).toMatchObject({
    paused_at: START,
    next_at: null,
    wake_at: null,
  });
  expect((await scheduleOf(other.id)).paused_at).toBeNull();
});
