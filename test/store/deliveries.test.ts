import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { createDeliveryStore } from '../../src/store/deliveries.ts';
import { aTask, OWNER, store } from '../support/rows.ts';

const deliveries = createDeliveryStore(env.DB);

/** The delivery that the trigger writes for a task that ends now. */
const owe = async () => {
  const task = aTask({ callbackUrl: 'https://example.com/', scheduledAt: Date.now() + 3_600_000 });
  await store(task);
  await env.DB.prepare(
    "UPDATE tasks SET status = 'CANCELLED', wake_at = NULL, completed_at = ?, version = 2 WHERE id = ?",
  )
    .bind(1_000, task.id)
    .run();
  const [delivery] = await deliveries.listByTask(OWNER, task.id);
  if (!delivery) throw new Error('No delivery');
  return delivery;
};

it('is written with the final status, open, and due at once', async () => {
  expect(await owe()).toMatchObject({
    sink: 'callback',
    status: 'CANCELLED',
    state: 'OPEN',
    tries: 0,
    version: 2,
  });
});

it('is claimed by one try at a time', async () => {
  const delivery = await owe();
  const now = Date.now();
  expect(await deliveries.claim([delivery], now)).toMatchObject([{ tries: 1 }]);
  expect(await deliveries.claim([delivery], now)).toEqual([]);
  expect(await deliveries.claim([delivery], now + 120_000)).toMatchObject([{ tries: 2 }]);
});

it('is due again when somebody says so, unless it was delivered', async () => {
  const delivery = await owe();
  const [claimed] = await deliveries.claim([delivery], Date.now());
  const end = { due_at: 1, wake_at: null, ended_at: 2, last_error: 'no' } as const;
  if (!claimed) throw new Error('Not claimed');
  await deliveries.update([{ ...claimed, ...end, state: 'GIVEN_UP' }]);
  const reopen = () => deliveries.reopen(OWNER, delivery.task_id, 5_000, 6_000);
  expect(await reopen()).toHaveLength(1);
  const [again] = await deliveries.claim([delivery], 5_000);
  expect(again).toMatchObject({ tries: 2, state: 'OPEN' });
  if (!again) throw new Error('Not claimed');
  await deliveries.update([{ ...again, ...end, state: 'DELIVERED' }]);
  expect(await reopen()).toEqual([]);
});

it('takes an update of the try that made it, and of no earlier one', async () => {
  const delivery = await owe();
  const [first] = await deliveries.claim([delivery], 2_000);
  const [second] = await deliveries.claim([delivery], 200_000);
  const end = { state: 'DELIVERED' as const, wake_at: null, ended_at: 9_000, last_error: null };
  await deliveries.update([{ ...(first as typeof delivery), ...end }]);
  expect((await deliveries.listByTask(OWNER, delivery.task_id))[0]?.state).toBe('OPEN');
  await deliveries.update([{ ...(second as typeof delivery), ...end }]);
  expect((await deliveries.listByTask(OWNER, delivery.task_id))[0]).toMatchObject(end);
});
