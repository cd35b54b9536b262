import * as z from 'zod';
import { defineHandler } from './handler.ts';

export const flaky = defineHandler({
  type: 'flaky',
  description: 'Fails the first `failures` times and then succeeds: to see retries at work.',
  lane: 'default',
  params: z.strictObject({ failures: z.int().min(0).max(10).default(2) }),
  example: { failures: 2 },
  // One more than the most failures that can be asked for.
  retry: { maxAttempts: 11, maxSeconds: 5 },
  timeoutMs: 5_000,
  run: ({ params: { failures }, attempt }) => {
    if (attempt <= failures)
      throw new Error(`Failing on purpose: attempt ${attempt} of ${failures} that fail`);
    return { succeeded_on_attempt: attempt };
  },
});
