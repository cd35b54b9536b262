import { describe, expect, it } from 'vitest';
import { planFiring, type Unfinished } from '../../src/domain/firing-plan.ts';
import type { CatchUp, Overlap } from '../../src/domain/words.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const START = Date.UTC(2026, 0, 1);

const plan = (
  more: {
    overlap?: Overlap;
    catch_up?: CatchUp;
    every?: number;
    next?: number;
    queued?: number;
    last?: number;
    window?: number;
  },
  now: number,
  unfinished: Unfinished[] = [],
) =>
  planFiring(
    {
      cron: null,
      timezone: 'UTC',
      every_ms: more.every ?? 10 * MINUTE,
      created_at: START,
      overlap: more.overlap ?? 'allow',
      catch_up: more.catch_up ?? 'latest',
      catch_up_window_ms: more.window ?? 24 * HOUR,
      next_at: START + (more.next ?? 10 * MINUTE),
      queued_at: more.queued === undefined ? null : START + more.queued,
      last_at: more.last === undefined ? null : START + more.last,
    },
    unfinished,
    START + now,
  );
const minutes = (moments: number[]): number[] => moments.map((at) => (at - START) / MINUTE);

describe('a moment that is due', () => {
  it('fires, and the next one follows', () => {
    expect(plan({}, 10 * MINUTE + 20)).toEqual({
      fire: [START + 10 * MINUTE],
      cancel: [],
      queued: null,
      skipped: 0,
      skippedAt: null,
      missed: null,
      next: START + 20 * MINUTE,
      last: START + 10 * MINUTE,
    });
  });

  it('does not fire before, nor again when a strike got no further', () => {
    expect(plan({}, 10 * MINUTE - 1)).toMatchObject({ fire: [], next: START + 10 * MINUTE });
    expect(plan({ last: 10 * MINUTE }, 11 * MINUTE)).toMatchObject({
      fire: [],
      missed: null,
      next: START + 20 * MINUTE,
    });
  });
});

describe('what was missed', () => {
  it.each([
    ['none', 65 * MINUTE, []],
    ['none', 60 * MINUTE + 30_000, [60]],
    ['latest', 65 * MINUTE, [60]],
    ['all', 65 * MINUTE, [10, 20, 30, 40, 50, 60]],
  ] as const)('%s, at %i ms', (catch_up, now, fired) => {
    const { fire, next, missed } = plan({ catch_up }, now);
    expect(minutes(fire)).toEqual(fired);
    expect(next).toBe(START + 70 * MINUTE);
    expect(missed === null).toBe(fired[0] === 10);
  });

  it('is told, from the first to before the one that fires', () => {
    const { missed } = plan({}, 65 * MINUTE);
    expect(missed).toEqual({ from: START + 10 * MINUTE, until: START + 60 * MINUTE });
  });

  it('is not made up for beyond the window', () => {
    expect(plan({ window: HOUR, every: 24 * HOUR, next: 24 * HOUR }, 26 * HOUR).fire).toEqual([]);
    const { fire } = plan({ catch_up: 'all', window: HOUR }, 180 * MINUTE);
    expect(minutes(fire)).toEqual([120, 130, 140, 150, 160, 170, 180]);
  });

  it('is the newest thousand, twenty at a time', () => {
    const seconds = { catch_up: 'all', every: 1_000, next: 1_000 } as const;
    const first = plan(seconds, 12 * HOUR);
    expect([first.fire.length, first.fire[0]]).toEqual([20, START + 12 * HOUR - 999_000]);
    expect(first.next).toBe(START + 12 * HOUR - 979_000);
    expect(first.last).toBe(START + 12 * HOUR - 980_000);
    const few = plan({ ...seconds, next: 11 * HOUR + 55 * MINUTE }, 12 * HOUR);
    expect([few.fire[0], few.missed]).toEqual([START + 11 * HOUR + 55 * MINUTE, null]);
  });

  it.each(['latest', 'none'] as const)('is nothing that is seconds late: %s', (catch_up) => {
    const { fire, missed } = plan({ catch_up, every: 1_000, next: 1_000 }, 5_200);
    expect([fire.map((at) => at - START), missed]).toEqual([
      [1_000, 2_000, 3_000, 4_000, 5_000],
      null,
    ]);
  });
});

describe('overlap', () => {
  const before = [{ id: 'a', moment: START }];
  const due = 10 * MINUTE;

  it('allow does not look', () => {
    expect(plan({ overlap: 'allow' }, due, before).fire).toHaveLength(1);
  });

  it('skip leaves the moment out while anything runs, also what somebody asked for', () => {
    for (const unfinished of [before, [{ id: 'b', moment: null }]])
      expect(plan({ overlap: 'skip' }, due, unfinished)).toMatchObject({
        fire: [],
        skipped: 1,
        skippedAt: START + due,
        next: START + 20 * MINUTE,
      });
    expect(plan({ overlap: 'skip' }, due).fire).toHaveLength(1);
  });

  it('skip runs the first of many', () => {
    const { fire, skipped } = plan({ overlap: 'skip', catch_up: 'all' }, 35 * MINUTE);
    expect([minutes(fire), skipped]).toEqual([[10], 2]);
  });

  it('cancel_previous cancels what is earlier, and runs the newest of many', () => {
    const { fire, skipped, cancel } = plan(
      { overlap: 'cancel_previous', catch_up: 'all' },
      35 * MINUTE,
      before,
    );
    expect([minutes(fire), skipped, cancel]).toEqual([[30], 0, ['a']]);
  });

  it('cancel_previous cancels after a strike that got no further, but not its task', () => {
    const unfinished = [...before, { id: 'b', moment: START + due }];
    const { fire, cancel } = plan({ overlap: 'cancel_previous', last: due }, due + 500, unfinished);
    expect([fire, cancel]).toEqual([[], ['a']]);
  });

  it('queue_one lets one wait, and skips the others', () => {
    const queue = { overlap: 'queue_one', catch_up: 'all' } as const;
    const waits = plan(queue, 35 * MINUTE, before);
    expect([waits.fire, waits.queued, waits.skipped]).toEqual([[], START + due, 2]);
    const full = plan({ ...queue, queued: due, next: 20 * MINUTE }, 20 * MINUTE, before);
    expect([full.fire, full.queued, full.skipped]).toEqual([[], START + due, 1]);
    const over = plan({ ...queue, queued: due, next: 20 * MINUTE }, 15 * MINUTE);
    expect([minutes(over.fire), over.queued, over.next]).toEqual([[10], null, START + 20 * MINUTE]);
    const idle = plan(queue, 35 * MINUTE);
    expect([minutes(idle.fire), idle.queued, idle.skipped]).toEqual([[10], START + 20 * MINUTE, 1]);
  });
});
