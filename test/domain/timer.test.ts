import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { startTimer } from '../../src/domain/timer.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it.each([1, 5, 2 ** 31 - 1, 2 ** 31, 30 * 86_400_000, 100 * 86_400_000])(
  'waits for %d ms, no less and no more',
  (ms) => {
    const work = vi.fn();
    startTimer(work, ms);
    vi.advanceTimersByTime(Math.max(0, ms - 1));
    expect(work).toHaveBeenCalledTimes(0);
    vi.advanceTimersByTime(1);
    expect(work).toHaveBeenCalledTimes(1);
  },
);

it('can be stopped at any time, and never ends at Infinity', () => {
  const work = vi.fn();
  const stop = startTimer(work, 3 * 2 ** 31);
  vi.advanceTimersByTime(2 ** 31 + 5);
  stop();
  startTimer(work, Infinity);
  vi.advanceTimersByTime(2 ** 34);
  expect(work).not.toHaveBeenCalled();
});
