import { expect, it } from 'vitest';
import { RESEND_AFTER_MS } from '../../src/domain/new-task.ts';
import { aTask } from '../support/rows.ts';

it('is born PENDING, to be looked at again in a few seconds', () => {
  expect(aTask({}, 1_000)).toMatchObject({
    status: 'PENDING',
    wake_at: 1_000 + RESEND_AFTER_MS,
    version: 1,
  });
});

it('waits as NEW for a time that is ahead, and runs now for one that is past', () => {
  expect(aTask({ scheduledAt: 2_000 }, 1_000)).toMatchObject({ status: 'NEW', wake_at: 2_000 });
  expect(aTask({ scheduledAt: 500 }, 1_000)).toMatchObject({ status: 'PENDING' });
});
