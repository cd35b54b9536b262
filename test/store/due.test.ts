import { env } from 'cloudflare:workers';
import { beforeEach, expect, it } from 'vitest';
import { QUEUES } from '../../src/domain/routing.ts';
import { createDueStore } from '../../src/store/due.ts';
import { createQueueStore } from '../../src/store/queues.ts';
import { createTransitions } from '../../src/store/transitions.ts';
import { createLeaseStore } from '../../src/store/leases.ts';
import { aTask, store } from '../support/rows.ts';

const NOW = 1_900_000_000_000;
const due = createDueStore(env.DB);

beforeEach(() =>
  env.DB.batch([env.DB.prepare('DELETE FROM tasks'), env.DB.prepare('DELETE FROM queues')]),
);

const readMedium = async () =>
  (await due.readNextWake()).queues.find(({ queue }) => queue === 'default-medium');

it('reads when anything is due next, by queue and by what holds it', async () => {
  const running = aTask({}, NOW - 1_000);
  await store(
    aTask({ scheduledAt: NOW + 5_000 }, NOW),
    aTask({ scheduledAt: NOW + 9_000 }, NOW),
    aTask({}, NOW),
    running,
  );
  const [claimed] = await createTransitions(env.DB).claim([running], NOW, false);
  const lease = { ...running, attempt: claimed?.attempt ?? 0, progress: null };
  await createLeaseStore(env.DB).renew([lease], NOW);
  expect(await readMedium()).toEqual({
    queue: 'default-medium',
    is_paused: 0,
    time_at: NOW + 5_000,
    lease_at: NOW + 15_000,
    message_at: NOW + 5_000,
    has_parked: 0,
  });
  expect((await due.readNextWake()).queues.map(({ queue }) => queue)).toEqual([...QUEUES]);
});

it('knows what is parked', async () => {
  await createQueueStore(env.DB).pause('default-medium', NOW);
  await store(aTask({}, NOW));
  expect(await readMedium()).toMatchObject({ is_paused: 1, message_at: null, has_parked: 1 });
});

it('reads when what is in no queue is due: times, leases, and what people should end', async () => {
  const at = (queue: string, more: object = {}) => aTask({ queue, ...more }, NOW);
  expect(await due.readNextWake()).toMatchObject({ outsideTimeAt: null, outsideLateAt: null });
  await store(at('worker-low'));
  expect(await due.readNextWake()).toMatchObject({ outsideTimeAt: null, outsideLateAt: null });
  await store(at('worker-high', { scheduledAt: NOW + 7_000 }), at('manual-low'));
  expect(await due.readNextWake()).toMatchObject({
    outsideTimeAt: NOW + 7_000,
    outsideLateAt: NOW + 5_000,
  });
});
