import { describe, expect, it, vi } from 'vitest';
import { flaky } from '../../src/handlers/flaky.ts';
import { longestRun } from '../../src/handlers/longest-consecutive-letters.ts';
import { simulate } from '../../src/handlers/simulate.ts';
import { sum } from '../../src/handlers/sum.ts';
import { executorDeps, silentContext, dependencies } from '../support/deps.ts';

const context = (params: unknown, more: object = {}) => ({
  ...dependencies,
  ...executorDeps.forOwner(),
  taskId: 'id',
  params,
  attempt: 1,
  checkpoint: null,
  signal: new AbortController().signal,
  progress: () => {},
  ...silentContext,
  ...more,
});

describe('sum', () => {
  it('adds finite numbers and nothing else', () => {
    expect(sum.run(context({ a: 0.1, b: 0.2 }))).toEqual({
      operation: 'sum',
      a: 0.1,
      b: 0.2,
      result: 0.30000000000000004,
    });
    for (const a of [Infinity, NaN, '1', null, undefined])
      expect(sum.params.safeParse({ a, b: 1 }).success).toBe(false);
    expect(() => sum.run(context({ a: 1.7e308, b: 1.7e308 }))).toThrow(/largest number/);
  });
});

describe('longest_consecutive_letters', () => {
  it.each([
    ['aaabbccccdd', { letters: 'cccc', letter: 'c', length: 4, start: 5 }],
    ['', { letters: '', letter: '', length: 0, start: 0 }],
    ['123 !!!', { letters: '', letter: '', length: 0, start: 0 }],
    ['aabb', { letters: 'aa', letter: 'a', length: 2, start: 0 }],
    ['aA', { letters: 'a', letter: 'a', length: 1, start: 0 }],
    ['11111bb', { letters: 'bb', letter: 'b', length: 2, start: 5 }],
    ['жжж語語', { letters: 'жжж', letter: 'ж', length: 3, start: 0 }],
    ['😀😀xé\u0065\u0301é', { letters: 'ééé', letter: 'é', length: 3, start: 3 }],
    ['a\r\nbb', { letters: 'bb', letter: 'b', length: 2, start: 2 }],
  ])('%j', (text, expected) => {
    expect(longestRun(text)).toEqual(expected);
  });

  it('takes 100 000 characters of any script', () => {
    expect(longestRun('ж'.repeat(100_000))).toMatchObject({ letter: 'ж', length: 100_000 });
  });
});

describe('simulate', () => {
  it('reports as it goes and says how long it took', async () => {
    const progress = vi.fn();
    expect(await simulate.run(context({ duration: 0.01 }, { progress }))).toBe(
      'Task completed in 0.01 seconds',
    );
    expect(progress.mock.calls).toEqual([
      [0, '0 of 0.01 s'],
      [1, 'done'],
    ]);
    expect(await simulate.run(context({ duration: 0 }))).toBe('Task completed in 0 seconds');
  });

  it('takes 0 to 600 seconds, 1 by default, and some time more before it times out', () => {
    expect(simulate.params.parse({})).toEqual({ duration: 1 });
    for (const duration of [-1, 601, '3', NaN])
      expect(simulate.params.safeParse({ duration }).success).toBe(false);
    expect(simulate.timeoutMs({ duration: 600 })).toBeGreaterThan(600_000);
  });
});

describe('flaky', () => {
  it('fails as often as it is asked to, and has the attempts for it', () => {
    expect(() => flaky.run(context({ failures: 2 }, { attempt: 2 }))).toThrow('attempt 2 of 2');
    expect(flaky.run(context({ failures: 2 }, { attempt: 3 }))).toEqual({
      succeeded_on_attempt: 3,
    });
    expect(flaky.retry.maxAttempts).toBe(11);
  });
});
