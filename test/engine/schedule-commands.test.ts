import { env } from 'cloudflare:workers';
import { beforeEach, describe, expect, it } from 'vitest';
import { createScheduleCommands } from '../../src/engine/schedule-commands.ts';
import { AppError } from '../../src/domain/errors.ts';
import { OWNER } from '../support/rows.ts';
import { scheduleOf, schedules, storeSchedule } from '../support/schedules.ts';

const START = 1_900_000_000_000;
const BY = {
  keyId: 'k2',
  requestId: 'r',
  ownHost: 'h',
  taskTypes: null,
  consumeMetered: async () => {},
};
beforeEach(async () => {
  await env.DB.prepare('DELETE FROM schedules').run();
});

const setup = ({
  fires = true,
  check = async () => {},
}: { fires?: boolean; check?(): Promise<void> } = {}) => {
  const world = { now: START + 5_000 };
  const alarms: number[] = [];
  let ticks = 0;
  const commands = createScheduleCommands({
    schedules,
    submission: { check, submit: async () => [] },
    ensureAlarmBy: async (at) => void alarms.push(at),
    tickNow: async () => {
      ticks += 1;
      if (fires)
        await env.DB.prepare('UPDATE schedules SET last_at = next_at, next_at = ?1, wake_at = ?1')
          .bind(START + 20_000)
          .run();
    },
    now: () => world.now,
  });
  return { world, alarms, commands, ticks: () => ticks };
};

describe('an edit', () => {
  it('lets a moment that is due have its task first', async () => {
    const { world, commands, ticks, alarms } = setup();
    const { id } = await storeSchedule();
    world.now = START + 10_500;
    const edited = await commands.change(OWNER, id, { every_ms: 7_000 }, BY);
    expect([ticks(), edited.next_at, edited.version]).toEqual([1, START + 14_000, 2]);
    expect(alarms).toEqual([START + 14_000]);
    expect(edited.created_by_key).toBe('k2');
  });

  it('says so where that cannot be', async () => {
    const { world, commands } = setup({ fires: false });
    const { id } = await storeSchedule();
    world.now = START + 10_500;
    const change = commands.change(OWNER, id, { every_ms: 7_000 }, BY);
    await expect(change).rejects.toMatchObject({ code: 'overloaded', retryAfterSeconds: 5 });
    expect((await scheduleOf(id)).version).toBe(1);
  });

  it('checks the task, unless it pauses', async () => {
    const refused = new AppError('unknown_type', 'None', {
      errors: [{ in: 'body', path: 'type', code: 'unknown_type', message: 'None' }],
    });
    const { commands } = setup({ check: () => Promise.reject(refused) });
    const { id } = await storeSchedule();
    await expect(commands.change(OWNER, id, { timezone: 'UTC' }, BY)).rejects.toMatchObject({
      errors: [{ path: 'task.type' }],
    });
    await expect(commands.resume(OWNER, id, BY)).rejects.toMatchObject({ code: 'unknown_type' });
    expect(await commands.pause(OWNER, id, BY)).toMatchObject({ next_at: null, wake_at: null });
  });
});

it('makes up for nothing when it is resumed, and repeats nothing', async () => {
  const { world, commands } = setup();
  const { id } = await storeSchedule();
  await commands.pause(OWNER, id, BY);
  world.now = START + 95_000;
  expect((await commands.resume(OWNER, id, BY)).next_at).toBe(START + 100_000);
  await env.DB.prepare('UPDATE schedules SET last_at = ?')
    .bind(START + 120_000)
    .run();
  await commands.pause(OWNER, id, BY);
  expect((await commands.resume(OWNER, id, BY)).next_at).toBe(START + 130_000);
});

it('looks at once for a moment that waits', async () => {
  const { commands, alarms } = setup();
  const { id } = await storeSchedule({ overlap: 'queue_one' });
  await env.DB.prepare('UPDATE schedules SET queued_at = ?').bind(START).run();
  const edited = await commands.change(OWNER, id, { timezone: 'Asia/Tokyo' }, BY);
  expect([edited.wake_at, alarms]).toEqual([START + 5_000, [START + 5_000]]);
});
