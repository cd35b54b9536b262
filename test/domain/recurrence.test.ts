import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { describeRecurrence } from '../../src/domain/describe-recurrence.ts';
import {
  findCronProblem,
  findNextMoment,
  listMoments,
  listNewest,
} from '../../src/domain/recurrence.ts';
import { isTimeZone, toMoments, toWall } from '../../src/domain/time-zone.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const iso = (moments: readonly number[]): string[] =>
  moments.map((at) => new Date(at).toISOString().slice(0, 16));

/**
 * Ten zones, both changes of 2026, written down by hand in UTC: when clocks are set forward, a daily
 * time in the gap on that day and the next; when they are set back, a daily time in the overlap
 * likewise.
 */
const ZONES: [string, string, string, string, string, string, string, string][] = [
  // zone, forward, time in the gap, the day after, back, time in the overlap, its first, the day after
  [
    'Europe/Berlin',
    '03-29T01:00',
    '30 2',
    '03-30T00:30',
    '10-25T01:00',
    '30 2',
    '10-25T00:30',
    '10-26T01:30',
  ],
  [
    'Europe/London',
    '03-29T01:00',
    '30 1',
    '03-30T00:30',
    '10-25T01:00',
    '30 1',
    '10-25T00:30',
    '10-26T01:30',
  ],
  [
    'America/New_York',
    '03-08T07:00',
    '30 2',
    '03-09T06:30',
    '11-01T06:00',
    '30 1',
    '11-01T05:30',
    '11-02T06:30',
  ],
  [
    'America/Los_Angeles',
    '03-08T10:00',
    '30 2',
    '03-09T09:30',
    '11-01T09:00',
    '30 1',
    '11-01T08:30',
    '11-02T09:30',
  ],
  [
    'America/St_Johns',
    '03-08T05:30',
    '30 2',
    '03-09T05:00',
    '11-01T04:30',
    '30 1',
    '11-01T04:00',
    '11-02T05:00',
  ],
  [
    'Australia/Lord_Howe',
    '10-03T15:30',
    '15 2',
    '10-04T15:15',
    '04-04T15:00',
    '45 1',
    '04-04T14:45',
    '04-05T15:15',
  ],
  [
    'Pacific/Auckland',
    '09-26T14:00',
    '30 2',
    '09-27T13:30',
    '04-04T14:00',
    '30 2',
    '04-04T13:30',
    '04-05T14:30',
  ],
  [
    'Asia/Beirut',
    '03-28T22:00',
    '30 0',
    '03-29T21:30',
    '10-24T21:00',
    '30 23',
    '10-24T20:30',
    '10-25T21:30',
  ],
  [
    'America/Santiago',
    '09-06T04:00',
    '30 0',
    '09-07T03:30',
    '04-05T03:00',
    '30 23',
    '04-05T02:30',
    '04-06T03:30',
  ],
  [
    'Africa/Cairo',
    '04-23T22:00',
    '30 0',
    '04-24T21:30',
    '10-29T21:00',
    '30 23',
    '10-29T20:30',
    '10-30T21:30',
  ],
];

describe.each(ZONES)(
  '%s',
  (timezone, forward, inGap, gapNext, back, inOverlap, first, overlapNext) => {
    const at = (moment: string): number => Date.parse(`2026-${moment}Z`);
    const after = (cron: string, from: number, count: number): string[] =>
      iso(listMoments({ cron, timezone }, from, count));

    it.each([
      ['forward', forward],
      ['back', back],
    ])('fires each minute and each interval through the change %s', (_, change) => {
      const moment = at(change);
      expect(after('* * * * *', moment - 2 * MINUTE - 1, 4)).toEqual(
        iso([moment - 2 * MINUTE, moment - MINUTE, moment, moment + MINUTE]),
      );
      const every = { everyMs: 90 * MINUTE, anchor: moment - 3 * HOUR };
      expect(iso(listMoments(every, moment - 1, 2))).toEqual(iso([moment, moment + 90 * MINUTE]));
    });

    it('fires each hour of the time that passes', () => {
      for (const change of [forward, back]) {
        const from = at(change) - 3 * HOUR - 1;
        const wanted: number[] = [];
        for (let moment = Math.ceil(from / MINUTE) * MINUTE; wanted.length < 5; moment += MINUTE)
          if (toWall(moment, timezone) % HOUR === 0) wanted.push(moment);
        expect(after('0 * * * *', from, 5)).toEqual(iso(wanted));
      }
    });

    it('fires once for a time in the gap, at the first moment after it', () => {
      const change = at(forward);
      expect(after(`${inGap} * * *`, change - 12 * HOUR, 2)).toEqual([
        `2026-${forward}`,
        `2026-${gapNext}`,
      ]);
      // Several times in the gap are one moment.
      const [minute = '', hour = ''] = inGap.split(' ');
      const many = after(`${Number(minute) - 1},${minute} ${hour} * * *`, change - 12 * HOUR, 2);
      expect(many[0]).toBe(`2026-${forward}`);
      expect(many[1]).toBe(iso([at(gapNext) - MINUTE])[0]);
      const weekday = new Date(toWall(change, timezone)).getUTCDay();
      expect(after(`${inGap} * * ${weekday}`, change - 12 * HOUR, 2)).toEqual([
        `2026-${forward}`,
        iso([at(gapNext) + 6 * 24 * HOUR])[0],
      ]);
    });

    it('fires once for a time that comes twice, at the first of the two', () => {
      const from = at(back) - 12 * HOUR;
      expect(after(`${inOverlap} * * *`, from, 2)).toEqual([
        `2026-${first}`,
        `2026-${overlapNext}`,
      ]);
      // Also when it is asked between the two.
      expect(after(`${inOverlap} * * *`, at(first), 1)).toEqual([`2026-${overlapNext}`]);
    });
  },
);

it('is in order, without repetition, and goes on from wherever it is asked', () => {
  const crons = [
    '*/15 2 * * *',
    '0 */6 * * *',
    '30 1,2 * * *',
    '*/10 * * * *',
    '0 0 1 * *',
    '@weekly',
  ];
  fc.assert(
    fc.property(
      fc.constantFrom(...crons),
      fc.constantFrom(...ZONES.map(([zone]) => zone)),
      fc.integer({ min: Date.UTC(2026, 0, 1), max: Date.UTC(2027, 0, 1) }),
      (cron, timezone, after) => {
        const moments = listMoments({ cron, timezone }, after, 8);
        expect(moments).toHaveLength(8);
        expect(moments).toEqual([...new Set(moments)].toSorted((a, b) => a - b));
        expect(moments[0]).toBeGreaterThan(after);
        const [one = 0] = moments;
        expect(listMoments({ cron, timezone }, one, 7)).toEqual(moments.slice(1));
      },
    ),
    { numRuns: 300 },
  );
});

it.each([
  ['* * * *', 'five fields'],
  ['61 * * * *', '61'],
  ['0 0 30 2 *', 'never fires'],
  ['@fortnightly', 'There is no @fortnightly'],
  ['0 0 * * * * 2030', 'five fields'],
  ['', 'five fields'],
])('says what is wrong with %j', (cron, problem) => {
  expect(findCronProblem(cron)).toContain(problem);
});

it.each(['0 9 * * MON-FRI', '*/5 * * * *', '*/10 * * * * *', '@daily', '@HOURLY', '0 0 L * *'])(
  'takes %j',
  (cron) => {
    expect(findCronProblem(cron)).toBeNull();
    expect(findNextMoment({ cron, timezone: 'UTC' }, 0)).toBeGreaterThan(0);
  },
);

it('knows zones by their names alone', () => {
  expect(['Europe/Berlin', 'UTC', 'America/Argentina/Buenos_Aires'].map(isTimeZone)).toEqual([
    true,
    true,
    true,
  ]);
  expect(['+02:00', 'Europe/Atlantis', '', '../x', 'CEST7'].map(isTimeZone)).toEqual([
    false,
    false,
    false,
    false,
    false,
  ]);
  expect(toMoments(Date.UTC(2026, 0, 1), 'UTC')).toEqual({
    moments: [Date.UTC(2026, 0, 1)],
    isSkipped: false,
  });
});

describe('a step of hours', () => {
  it.each([
    // Cairo sets its clocks forward at midnight: the day begins at one.
    ['0 */24 * * *', 'Africa/Cairo', '2026-04-23T12:00Z', ['04-23T22:00', '04-24T21:00']],
    // Havana shows midnight to one twice.
    ['0 */12 * * *', 'America/Havana', '2026-10-31T20:00Z', ['11-01T04:00', '11-01T17:00']],
    ['0 */2 * * *', 'Europe/Berlin', '2026-03-28T23:30Z', ['03-29T01:00', '03-29T02:00']],
  ])('%s in %s leaves none out, and runs none twice', (cron, timezone, after, expected) => {
    const found = listMoments({ cron, timezone }, Date.parse(after), 2);
    expect(iso(found)).toEqual(expected.map((at) => `2026-${at}`));
  });
});

it.each(['constructor', '__proto__', 'toString', '@constructor'])('knows no word %s', (cron) => {
  expect(findCronProblem(cron)).not.toBeNull();
});

it('looks through a day that was skipped, and a month of seconds that is over, at once', () => {
  const apia = { cron: '* * 0-23 30 12 *', timezone: 'Pacific/Apia' };
  const before = performance.now();
  expect(iso(listMoments(apia, Date.UTC(2011, 11, 30, 9), 2))).toEqual([
    '2012-12-29T10:00',
    '2012-12-29T10:00',
  ]);
  const to = Date.UTC(2026, 6, 1);
  const burst = { cron: '* * 0-23 1-28 1 *', timezone: 'UTC' };
  expect(iso(listNewest(burst, { from: to - 366 * 24 * HOUR, to }, 2))).toEqual([
    '2026-01-28T23:59',
    '2026-01-28T23:59',
  ]);
  console.log(`a burst and a skipped day: ${Math.round(performance.now() - before)} ms`);
});

it('knows clocks that are changed at an odd minute', () => {
  const casey = { cron: '30 2 * * *', timezone: 'Antarctica/Casey' };
  expect(iso(listMoments(casey, Date.UTC(2020, 9, 3, 12), 1))).toEqual(['2020-10-03T16:01']);
});

it('finds the newest moments as a list of all would', () => {
  const crons = ['*/7 * * * *', '0 0 * * *', '* * 1 1 *', '0 */5 * * 1', '13 13 13 * *'];
  fc.assert(
    fc.property(
      fc.constantFrom(...crons),
      fc.constantFrom('UTC', 'Europe/Berlin', 'Australia/Lord_Howe'),
      fc.integer({ min: Date.UTC(2026, 0, 1), max: Date.UTC(2026, 11, 1) }),
      fc.integer({ min: 0, max: 40 * 24 * HOUR }),
      fc.constantFrom(1, 3, 50),
      (cron, timezone, to, back, count) => {
        const from = to - back;
        const all = listMoments({ cron, timezone }, from - 1, Infinity, to);
        expect(listNewest({ cron, timezone }, { from, to }, count)).toEqual(all.slice(-count));
      },
    ),
    { numRuns: 150 },
  );
});

it('has words for every pattern that it takes', () => {
  for (const cron of ['0 0 29 2 +1', '? ? ? * *', '0 9 * * MON-FRI', '*/10 * * * * *'])
    expect(describeRecurrence({ cron, timezone: 'UTC' })).not.toMatch(/error/i);
  expect(describeRecurrence({ everyMs: 5_400_000, anchor: 0 })).toBe('Every 90 minutes');
  expect(describeRecurrence({ everyMs: 86_400_000, anchor: 0 })).toBe('Every day');
});
