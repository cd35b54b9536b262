import { expect, it } from 'vitest';
import {
  computeBackoffMs,
  decideVerdict,
  hasAttemptsLeft,
  type Outcome,
} from '../../src/domain/retry.ts';

const policy = { maxAttempts: 3, baseSeconds: 1, maxSeconds: 10 };
const failed = (more: object = {}): Outcome => ({
  kind: 'failed',
  error: { code: 'handler_error', message: 'no' },
  retryable: true,
  ...more,
});
const task = { attempt: 1, max_attempts: 3, rescues: 0 };

it('backs off exponentially, with full jitter, up to the most', () => {
  const longest = [1, 2, 3, 4, 5, 50].map((attempt) => computeBackoffMs(policy, attempt, () => 1));
  expect(longest).toEqual([1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
  expect(computeBackoffMs(policy, 3, () => 0)).toBe(0);
});

it('runs again while attempts are left, and a rescue does not use one up', () => {
  expect(decideVerdict(failed(), task, policy, () => 0.5)).toMatchObject({
    transition: 'reschedule',
    delayMs: 500,
  });
  expect(decideVerdict(failed(), { ...task, attempt: 3 }, policy, () => 0.5)).toMatchObject({
    transition: 'fail',
  });
  expect(hasAttemptsLeft({ ...task, attempt: 3, rescues: 1 })).toBe(true);
});

it('takes the delay that the handler asked for, and never retries what is hopeless', () => {
  expect(decideVerdict(failed({ retryAfterMs: 7_000 }), task, policy, () => 0)).toMatchObject({
    delayMs: 7_000,
  });
  expect(decideVerdict(failed({ retryAfterMs: -5 }), task, policy, () => 0)).toMatchObject({
    delayMs: 0,
  });
  expect(decideVerdict(failed({ retryable: false }), task, policy, () => 0)).toMatchObject({
    transition: 'fail',
  });
});
