import { PRIORITIES, STATUSES, isFinal, type Status } from '../../src/domain/words.ts';
import { RESEND_AFTER_MS } from '../../src/domain/new-task.ts';
import { describe, expect, it } from 'vitest';
import { MAX_ERROR_MESSAGE, describeError } from '../../src/domain/errors.ts';
import { measureDepth } from '../../src/domain/json.ts';
import { allows, COMMANDS, isRepeatable, lifecycle } from '../../src/domain/lifecycle.ts';
import {
  computeBackoffMs,
  hasAttemptsLeft,
  decideVerdict,
  type Outcome,
} from '../../src/domain/retry.ts';
import { toQueueName, QUEUES } from '../../src/domain/routing.ts';
import { aTask } from '../support/rows.ts';

describe('lifecycle', () => {
  it('leads to no other status from a final one, but by a retry, and never from COMPLETED', () => {
    const { retry, ...others } = lifecycle;
    for (const { from, to } of Object.values(others))
      if (to !== null) expect(from.filter(isFinal)).toEqual([]);
    expect(retry.from).not.toContain('COMPLETED');
  });

  it('allows a command in the statuses that it may leave, and repeats it where nothing is left to do', () => {
    for (const name of COMMANDS)
      for (const status of STATUSES) {
        expect(allows(name, status)).toBe(
          (lifecycle[name].from as readonly Status[]).includes(status),
        );
        if (isRepeatable(name, status)) expect(allows(name, status)).toBe(false);
      }
    expect(isRepeatable('cancel', 'CANCELLED')).toBe(true);
    expect(isRepeatable('retry', 'PENDING')).toBe(false);
    expect(allows('delete', 'IN_PROGRESS')).toBe(false);
  });

  it('ends an attempt, however it ends, from the same status: one statement records a mixed group', () => {
    expect([lifecycle.fail.from, lifecycle.reschedule.from]).toEqual([
      lifecycle.complete.from,
      lifecycle.complete.from,
    ]);
  });
});

describe('a new task', () => {
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
});

describe('routing', () => {
  it('reaches each queue by one lane and priority', () => {
    const reached = (['default', 'external'] as const).flatMap((lane) =>
      PRIORITIES.map((priority) => toQueueName(lane, priority)),
    );
    expect(reached).toEqual([...QUEUES]);
  });
});

describe('retry', () => {
  const policy = { maxAttempts: 3, baseSeconds: 1, maxSeconds: 10 };
  const failed = (more: object = {}): Outcome => ({
    kind: 'failed',
    error: { code: 'handler_error', message: 'no' },
    retryable: true,
    ...more,
  });
  const task = { attempt: 1, max_attempts: 3, rescues: 0 };

  it('backs off exponentially, with full jitter, up to the most', () => {
    const longest = [1, 2, 3, 4, 5, 50].map((attempt) =>
      computeBackoffMs(policy, attempt, () => 1),
    );
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
});

describe('messages', () => {
  it('makes a short text of anything that can be thrown', () => {
    const hostile = {
      toString: () => {
        throw new Error('no');
      },
    };
    expect(
      ['text', null, undefined, 7, new Error('why'), new TypeError(''), hostile].map(describeError),
    ).toEqual([
      'text',
      'null',
      'undefined',
      '7',
      'why',
      'TypeError',
      'The handler threw a value that cannot be shown',
    ]);
    expect(describeError('x'.repeat(5_000_000))).toHaveLength(MAX_ERROR_MESSAGE);
  });
});

describe('jsonDepth', () => {
  it('counts levels, not brackets within strings', () => {
    expect(['1', '{}', '[[1],{"a":[]}]', '"[[["', '{"\\"[":"]\\\\"}'].map(measureDepth)).toEqual([
      0, 1, 3, 0, 1,
    ]);
    expect(measureDepth('['.repeat(100_000))).toBe(100_000);
  });
});
