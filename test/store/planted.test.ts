import { beforeEach, expect, it } from 'vitest';
import { env } from 'cloudflare:workers';
import { createPlantedStore } from '../../src/store/planted.ts';
import { createTaskTypeStore } from '../../src/store/task-types.ts';
import { OWNER } from '../support/rows.ts';
import { scheduleOf, storeSchedule } from '../support/schedules.ts';

const NOW = 1_900_000_000_000;
const planted = createPlantedStore(env.DB);
beforeEach(async () => {
  await env.DB.batch([
    env.DB.prepare('DELETE FROM schedules'),
    env.DB.prepare('DELETE FROM task_types'),
  ]);
});

it('tells of what a key has planted, and pauses that alone', async () => {
  const types = createTaskTypeStore(env.DB);
  const definition = '{"run":{"manual":{}}}';
  for (const [name, created_by_key] of [
    ['mine', 'k'],
    ['other', 'l'],
  ] as const)
    await types.put({ owner: OWNER, name, definition, created_by_key }, 9, NOW);
  const mine = await storeSchedule({ name: 'nightly', created_by_key: 'k' });
  const other = await storeSchedule({ created_by_key: 'l' });
  expect(await planted.list(OWNER, 'k', NOW)).toEqual({ schedules: ['nightly'], types: ['mine'] });
  await planted.pause(OWNER, 'k', NOW);
  expect(await planted.list(OWNER, 'k', NOW)).toEqual({ schedules: [], types: [] });
  expect(await scheduleOf(mine.id)).toMatchObject({ paused_at: NOW, next_at: null, wake_at: null });
  expect((await scheduleOf(other.id)).paused_at).toBeNull();
  const [still] = await types.getMany(OWNER, ['other']);
  expect(still?.paused_until).toBeNull();
});
