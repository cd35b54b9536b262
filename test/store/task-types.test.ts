import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { createSweeps } from '../../src/store/sweeps.ts';
import { createTaskTypeStore } from '../../src/store/task-types.ts';
import { createTransitions } from '../../src/store/transitions.ts';
import { aTask, looksUntil, rowOf, store } from '../support/rows.ts';

const NOW = 1_900_000_000_000;
const types = createTaskTypeStore(env.DB);
const put = (owner: string, name: string, most = 200) =>
  types.put({ owner, name, definition: '{}', created_by_key: null }, most, NOW);

it('keeps types by owner, as many as there may be, and changes those that are there', async () => {
  await put('full', 'a', 2);
  await put('full', 'b', 2);
  expect(await put('full', 'c', 2)).toBeNull();
  expect(await put('full', 'b', 2)).toMatchObject({ name: 'b', created_at: NOW });
  expect((await types.list('full')).map(({ name }) => name)).toEqual(['a', 'b']);
  expect(await types.getMany('other', ['a', 'b'])).toEqual([]);
  expect(await types.pause('other', 'a', NOW, NOW)).toBeNull();
});

it('deletes a type once none of its tasks is unfinished', async () => {
  await put('busy', 'type');
  const task = aTask({ owner: 'busy', type: 'type', queue: 'worker-low' });
  await store(task);
  expect(await types.remove('busy', 'type')).toBe(false);
  await createTransitions(env.DB).command('cancel', 'busy', task.id, NOW);
  expect(await types.remove('busy', 'type')).toBe(true);
  expect(await types.remove('busy', 'type')).toBe(false);
});

it('leaves who runs a type as it is, while tasks of it wait there', async () => {
  const as = (kind: string) =>
    types.put(
      {
        owner: 'kinds',
        name: 'type',
        definition: JSON.stringify({ run: { [kind]: {} } }),
        created_by_key: null,
      },
      200,
      NOW,
    );
  await as('worker');
  const task = aTask({ owner: 'kinds', type: 'type', queue: 'worker-low' });
  await store(task);
  expect(await as('worker')).not.toBeNull();
  expect(await as('manual')).toBeNull();
  await createTransitions(env.DB).command('cancel', 'kinds', task.id, NOW);
  expect((await as('manual'))?.definition).toContain('manual');
});

it('lets no run of a paused type begin, holds it at no cost, and releases it', async () => {
  await put('paused', 'hook');
  await types.pause('paused', 'hook', NOW + 60_000, NOW);
  const [task, other] = ['hook', 'sum'].map((type) =>
    aTask({ owner: 'paused', type, queue: 'external-low' }, NOW),
  );
  if (!task || !other) throw new Error('No tasks');
  await store(task, other);
  const transitions = createTransitions(env.DB);
  const claimed = await transitions.claim([task, other], NOW + 1, false);
  expect(claimed.map(({ id }) => id)).toEqual([other.id]);
  const sweeps = createSweeps(env.DB);
  const looked = await sweeps.sweep(NOW + 6_000, 100, looksUntil(NOW + 6_000));
  expect(looked.overdue).toEqual([]);
  expect(await rowOf(task.id, 'paused')).toMatchObject({ held: 'time', wake_at: NOW + 60_000 });
  await types.resume('paused', 'hook', NOW + 7_000);
  const { dispatched } = await sweeps.sweep(NOW + 7_000, 100, []);
  expect(dispatched.map(({ id }) => id)).toContain(task.id);
  expect(await transitions.claim([task], NOW + 7_001, false)).toHaveLength(1);
});
