import { expect, it } from 'vitest';
import {
  computeBackoffMs,
  decideVerdict,
  hasAttemptsLeft,
  parseRetryAfter,
  type EndedOutcome,
} from '../../src/domain/retry.ts';

const policy = { maxAttempts: 3, baseSeconds: 1, maxSeconds: 10 };
const failed = (more: object = {}): EndedOutcome => ({
  kind: 'failed',
  error: { code: 'handler_error', message: 'no' },
  retryable: true,
  ...more,
});
const task = { attempt: 1, max_attempts: 3, rescues: 0, snoozes: 0 };

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

const NOW = Date.parse('2026-11-25T12:00:00Z');
it.each([
  ['7200', 7_200_000],
  ['99999999999999999999', 365 * 86_400_000],
  ['Wed, 25 Nov 2026 14:00:00 GMT', 7_200_000],
  ['Wednesday, 25-Nov-26 14:00:00 GMT', 7_200_000],
  ['Wed Nov 25 14:00:00 2026', 7_200_000],
  ['Tue Dec  1 12:00:00 2026', 6 * 86_400_000],
  ['Sunday, 06-Nov-94 08:49:37 GMT', undefined],
  ['0', undefined],
  ['-1', undefined],
  ['', undefined],
  ['Wed, 45 Nov 2026 14:00:00 GMT', undefined],
])('understands a Retry-After of %j', (header, ms) => {
  expect(parseRetryAfter(header, NOW)).toBe(ms);
});

it('lets a task be run later a hundred times in a row, without using an attempt', () => {
  const decide = (snoozes: number, delayMs: number) =>
    decideVerdict(
      { kind: 'snoozed', delayMs, checkpoint: '1' },
      { attempt: 100, max_attempts: 100, rescues: 0, snoozes },
      { maxAttempts: 1, baseSeconds: 1, maxSeconds: 1 },
      () => 0.5,
    );
  expect(decide(99, 5_000)).toEqual({
    transition: 'reschedule',
    error: null,
    delayMs: 5_000,
    refund: true,
    isSnoozed: true,
    checkpoint: '1',
  });
  expect([decide(0, -1), decide(0, Infinity)]).toMatchObject([
    { delayMs: 0 },
    { delayMs: 365 * 24 * 3_600_000 },
  ]);
  expect(decide(100, 5_000)).toMatchObject({
    transition: 'fail',
    error: { code: 'snoozed_too_often' },
  });
});
