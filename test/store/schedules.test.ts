import { env } from 'cloudflare:workers';
import { beforeEach, describe, expect, it } from 'vitest';
import { toTriggerKey } from '../../src/domain/schedule-key.ts';
import { isUniqueViolation } from '../../src/store/failure.ts';
import { stay } from '../../src/engine/schedule-moves.ts';
import { aTask, store } from '../support/rows.ts';
import {
  aMoment,
  aSchedule,
  endTask,
  scheduleOf,
  schedules,
  storeSchedule,
} from '../support/schedules.ts';

const START = 1_900_000_000_000;
beforeEach(async () => {
  await env.DB.prepare('DELETE FROM schedules').run();
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
    await endTask(task.id, START + 7);
    expect((await scheduleOf(row.id)).wake_at).toBe(START + 7);
  });

  it('is due at once where the task had ended before anybody waited', async () => {
    const row = await storeSchedule();
    const task = aMoment(row.id, START);
    await store(task);
    const [due] = await schedules.listDue(START + 10_000, 10);
    if (!due) throw new Error('None is due');
    await endTask(task.id, START + 10_001);
    const move = {
      ...stay(due),
      next: START + 20_000,
      wake: START + 20_000,
      queued: START + 10_000,
      waits: 1 as const,
    };
    await schedules.move([move], START + 10_002);
    expect((await scheduleOf(row.id)).wake_at).toBe(START + 10_002);
  });
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
