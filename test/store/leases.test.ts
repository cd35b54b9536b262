import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { createLeaseStore } from '../../src/store/leases.ts';
import { createTransitions } from '../../src/store/transitions.ts';
import { aTask, OWNER, rowOf, store } from '../support/rows.ts';

const NOW = 1_900_000_000_000;
const leases = createLeaseStore(env.DB);

it('renews the leases that are held by this very attempt, with their progress', async () => {
  const task = aTask({}, NOW);
  await store(task);
  await createTransitions(env.DB).claim([task], NOW, false);
  const before = await rowOf(task.id);
  expect(before).toMatchObject({ held: null, wake_at: NOW + 5_000 });
  const lease = { owner: OWNER, id: task.id, attempt: 1, progress: '{"fraction":0.5}' };
  expect(await leases.findHeld([lease])).toEqual(new Set([task.id]));
  expect(await leases.renew([lease, { ...lease, attempt: 2 }], NOW + 1_000)).toEqual(
    new Set([task.id]),
  );
  const after = await rowOf(task.id);
  expect(after).toMatchObject({ held: 'lease', wake_at: NOW + 16_000 });
  expect(after).toMatchObject({ progress: '{"fraction":0.5}', version: before.version });
  await leases.renew([{ ...lease, progress: null }], NOW + 2_000);
  expect((await rowOf(task.id)).progress).toBe('{"fraction":0.5}');
});

it('holds no task that another attempt has, or none', async () => {
  const task = aTask({}, NOW);
  await store(task);
  const lease = { owner: OWNER, id: task.id, attempt: 1, progress: '{"fraction":0.9}' };
  const holds = async (attempt: number) => [
    await leases.findHeld([{ ...lease, attempt }]),
    await leases.renew([{ ...lease, attempt }], NOW),
  ];
  const none = [new Set(), new Set()];
  expect(await holds(1)).toEqual(none);
  await createTransitions(env.DB).claim([task], NOW, false);
  expect(await holds(2)).toEqual(none);
  expect((await rowOf(task.id)).progress).toBeNull();
});
