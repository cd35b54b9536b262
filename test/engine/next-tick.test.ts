import { expect, it } from 'vitest';
import { computeNextTick } from '../../src/engine/next-tick.ts';
import type { NextWake } from '../../src/store/due.ts';

const NOW = 1_900_000_000_000;
const NOTHING: NextWake = {
  queues: [],
  deliveryAt: null,
  outsideTimeAt: null,
  outsideLateAt: null,
  hasForWorkers: false,
  scheduleAt: null,
  limitAt: null,
  flowAt: null,
  expiryAt: null,
  hasLimited: false,
  databaseBytes: 0,
};
const next = (more: Partial<NextWake>, lastWakeupAt = -Infinity): number =>
  computeNextTick({ ...NOTHING, ...more }, NOW, lastWakeupAt) - NOW;

it('is exact for schedules, a second away for what is late, and never where there is nothing', () => {
  expect(next({})).toBe(Infinity);
  expect(next({ scheduleAt: NOW + 1_234 })).toBe(1_234);
  expect(next({ limitAt: NOW + 250 })).toBe(250);
  expect(next({ hasLimited: true })).toBe(60_000);
  expect(next({ scheduleAt: NOW + 86_400_000 })).toBe(86_400_000);
  expect(next({ scheduleAt: NOW - 5 })).toBe(-5);
  expect(next({ deliveryAt: NOW - 5 })).toBe(1_000);
  expect(next({ hasForWorkers: true, scheduleAt: NOW + 86_400_000 })).toBe(60_000);
  expect(next({}, NOW - 1)).toBe(60_000);
});
