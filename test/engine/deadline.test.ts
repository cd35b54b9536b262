import { expect, it } from 'vitest';
import { startDeadline } from '../../src/engine/deadline.ts';
import { TimeoutError } from '../../src/engine/outcome.ts';

it('rejects at the timeout, and aborts its signal with the same error', async () => {
  const deadline = startDeadline(5, new AbortController().signal);
  await expect(deadline.passed).rejects.toThrow(TimeoutError);
  expect(deadline.signal.reason).toBeInstanceOf(TimeoutError);
});

it('ends at once when the lease is lost, for the reason that it was lost', async () => {
  const lease = new AbortController();
  const deadline = startDeadline(60_000, lease.signal);
  const lost = new Error('cancelled');
  lease.abort(lost);
  await expect(deadline.passed).rejects.toBe(lost);
  expect(deadline.signal.aborted).toBe(true);
  deadline.clear();
});

it('does nothing any more once it is cleared', async () => {
  const lease = new AbortController();
  const deadline = startDeadline(5, lease.signal);
  deadline.clear();
  lease.abort(new Error('too late'));
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(deadline.signal.aborted).toBe(false);
});
