import { env } from 'cloudflare:workers';
import { beforeEach, expect, it } from 'vitest';
import { AppError } from '../../src/domain/errors.ts';
import { createScheduler, type FiringOutcome } from '../../src/engine/scheduler.ts';
import type { Submission } from '../../src/engine/submission.ts';
import { createKeyStore } from '../../src/store/keys.ts';
import { makeKey } from '../../src/domain/make-key.ts';
import { keepLog } from '../support/deps.ts';
import { OWNER } from '../support/rows.ts';
import { scheduleOf, schedules, storeSchedule } from '../support/schedules.ts';

const START = 1_900_000_000_000;

beforeEach(async () => {
  await env.DB.prepare('DELETE FROM schedules').run();
});

const setup = (refuse: (submission: Submission) => Error | null = () => null) => {
  const world = { now: START + 10_000 };
  const asked: string[] = [];
  const counts = { fired: 0, skipped: 0, refused: 0, deferred: 0 };
  const late: number[] = [];
  const { log, events } = keepLog();
  const scheduler = createScheduler({
    schedules,
    submit: async (submission) => {
      const error = refuse(submission);
      if (error) throw error;
      asked.push(submission.findKey(0) ?? '');
      return [];
    },
    cancel: async () => {},
    tryConsume: async () => true,
    publicHost: 'tasker.example',
    countFirings: (outcome: FiringOutcome, n) => void (counts[outcome] += n),
    observeLateness: (seconds) => void late.push(seconds),
    now: () => world.now,
    log,
  });
  return { world, asked, counts, late, events, scheduler };
};

it('submits by the key of the moment, and moves on', async () => {
  const { asked, scheduler, counts, late, world } = setup();
  const { id } = await storeSchedule();
  world.now += 15;
  expect(await scheduler.fire()).toBe(false);
  expect(asked).toEqual([`schedule:${id}:${START + 10_000}`]);
  expect(await scheduleOf(id)).toMatchObject({
    next_at: START + 20_000,
    fired: 1,
    last_error: null,
  });
  expect([counts.fired, late]).toEqual([1, [0.015]]);
  await scheduler.fire();
  expect(asked).toHaveLength(1);
});

it.each([
  ['unknown_type', 'There is no type'],
  ['too_many_unfinished', 'Too many tasks'],
  ['too_many_bytes', 'All the room'],
  ['type_not_allowed', 'Not by this key'],
] as const)(
  'tells of a moment that is refused with %s, and goes on to the next',
  async (code, text) => {
    const { scheduler, counts, events, world } = setup(() => new AppError(code, text));
    const { id } = await storeSchedule();
    await scheduler.fire();
    const row = await scheduleOf(id);
    expect(row).toMatchObject({
      next_at: START + 20_000,
      wake_at: START + 20_000,
      fired: 0,
      refused: 1,
    });
    expect(JSON.parse(row.last_error ?? '')).toEqual({
      code,
      message: text,
      at: world.now,
      scheduled_for: START + 10_000,
    });
    expect([counts.refused, events()]).toEqual([1, ['schedule_refused']]);
    await scheduler.fire();
    expect(counts.refused).toBe(1);
  },
);

it('forgets what was wrong once a moment has a task', async () => {
  let isWrong = true;
  const { scheduler, world } = setup(() => (isWrong ? new AppError('unknown_type', 'x') : null));
  const { id } = await storeSchedule();
  await scheduler.fire();
  isWrong = false;
  world.now += 10_000;
  await scheduler.fire();
  expect(await scheduleOf(id)).toMatchObject({ last_error: null, refused: 1, fired: 1 });
});

it('refuses the moments of a key that was revoked', async () => {
  const { scheduler, asked } = setup();
  const { row } = await makeKey(
    {
      owner: OWNER,
      name: 'k',
      scopes: ['admin'],
      taskTypes: null,
      writesPerMinute: null,
      expiresAt: null,
    },
    START,
  );
  const keys = createKeyStore(env.DB);
  await keys.insert(row);
  const { id } = await storeSchedule({ created_by_key: row.id });
  await keys.revoke(row.id, START);
  await scheduler.fire();
  const { last_error, next_at } = await scheduleOf(id);
  expect(JSON.parse(last_error ?? '')).toMatchObject({ code: 'key_revoked' });
  expect([asked, next_at]).toEqual([[], START + 20_000]);
});

it.each([
  ['overloaded', undefined, 5_000],
  ['rate_limited', 30, 30_000],
] as const)('tries a moment again after %s', async (code, retryAfterSeconds, ms) => {
  let isBusy = true;
  const more = retryAfterSeconds === undefined ? {} : { retryAfterSeconds };
  const { scheduler, world, asked, counts } = setup(() =>
    isBusy ? new AppError(code, 'x', more) : null,
  );
  const { id } = await storeSchedule({ every_ms: 60_000, next_at: START + 60_000 });
  world.now = START + 60_000;
  await scheduler.fire();
  expect(await scheduleOf(id)).toMatchObject({ next_at: world.now, wake_at: world.now + ms });
  await scheduler.fire();
  expect(counts.deferred).toBe(1);
  isBusy = false;
  world.now += ms;
  await scheduler.fire();
  expect(asked).toHaveLength(1);
});

it('lets none that cannot be read, or fails in a way nobody foresaw, hold up the others', async () => {
  const { scheduler, asked } = setup(({ caller }) =>
    caller.parentId === odd.id ? new TypeError('x is not a function') : null,
  );
  const broken = await storeSchedule({ cron: 'not a cron', every_ms: null });
  const odd = await storeSchedule();
  const sound = await storeSchedule();
  await scheduler.fire();
  expect(asked).toEqual([`schedule:${sound.id}:${START + 10_000}`]);
  for (const { id } of [broken, odd]) {
    const { wake_at, last_error } = await scheduleOf(id);
    expect([wake_at, JSON.parse(last_error ?? '').code]).toEqual([
      START + 70_000,
      'internal_error',
    ]);
  }
});

it('fires many by a few statements, one strike at a time', async () => {
  const { scheduler, asked } = setup();
  await env.DB.prepare(
    `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1200)
    INSERT INTO schedules (owner, id, name, timezone, every_ms, overlap, catch_up, catch_up_window_ms,
      next_at, wake_at, created_at, updated_at, task)
    SELECT 'many', printf('00000000-0000-7000-8000-%012d', i), 's' || i, 'UTC', 10000, 'allow', 'latest',
      86400000, ?1 + 10000, ?1 + 10000, ?1, ?1, '{"type":"sum","params":{"a":1,"b":2}}'
    FROM n`,
  )
    .bind(START)
    .run();
  const [first, second] = await Promise.all([scheduler.fire(), scheduler.fire()]);
  expect([first, second]).toEqual([false, true]);
  expect(new Set(asked).size).toBe(1_200);
  expect(asked).toHaveLength(1_200);
});

it('gives what was missed for long a turn at a time', async () => {
  const { scheduler, world, asked } = setup();
  const { id } = await storeSchedule({ catch_up: 'all' });
  world.now = START + 1_200_000;
  await scheduler.fire();
  expect([asked.length, (await scheduleOf(id)).next_at]).toEqual([20, START + 210_000]);
  for (let strike = 0; strike < 5; strike += 1) await scheduler.fire();
  expect([asked.length, new Set(asked).size]).toEqual([120, 120]);
  expect((await scheduleOf(id)).next_at).toBe(START + 1_210_000);
});

it('goes on where it was stopped, and leaves what is too old behind', async () => {
  let left = 3;
  const { scheduler, world, asked } = setup(() => {
    left -= 1;
    return left < 0 ? new AppError('rate_limited', 'x', { retryAfterSeconds: 10 }) : null;
  });
  const { id } = await storeSchedule({ catch_up: 'all', catch_up_window_ms: 60_000 });
  world.now = START + 605_000;
  await scheduler.fire();
  const row = await scheduleOf(id);
  expect(row).toMatchObject({ next_at: START + 580_000, fired: 3, missed_until: START + 550_000 });
  expect(JSON.parse(row.last_error ?? '')).toMatchObject({ scheduled_for: START + 580_000 });
  left = 100;
  world.now += 10_000;
  await scheduler.fire();
  expect(asked.map((key) => (Number(key.slice(46)) - START) / 1_000)).toEqual([
    550, 560, 570, 580, 590, 600, 610,
  ]);
});

it('tries a moment that waited again after a while, and not at once', async () => {
  const { scheduler, world, counts } = setup(() => new AppError('overloaded', 'x'));
  const { id } = await storeSchedule({ overlap: 'queue_one', next_at: START + 20_000 });
  await env.DB.prepare('UPDATE schedules SET queued_at = ?1, wake_at = ?1 WHERE id = ?2')
    .bind(START + 10_000, id)
    .run();
  await scheduler.fire();
  const deferred = { queued_at: START + 10_000, wake_at: world.now + 5_000 };
  expect(await scheduleOf(id)).toMatchObject(deferred);
  await scheduler.fire();
  expect(counts.deferred).toBe(1);
});
