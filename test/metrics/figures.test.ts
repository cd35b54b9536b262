import { env } from 'cloudflare:workers';
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createCell, encodeCell, toCellKey, type Cells } from '../../src/metrics/cells.ts';
import { observe } from '../../src/metrics/histogram.ts';
import { createSnapshot } from '../../src/metrics/snapshot.ts';
import type { FigureQuery } from '../../src/metrics/series.ts';

const MINUTE_MS = 60_000;
const NOW = Math.floor(Date.parse('2026-03-29T12:00:30Z') / MINUTE_MS);
const DAY = 1_440;

const cellsOf = (minute: number, seconds: number[], type = 'sum', submitted = 0): Cells => {
  const cell = { ...createCell(), submitted };
  for (const each of seconds) observe(cell.completed, each);
  return new Map([[toCellKey(minute, type, 'default-high'), cell]]);
};

const query = (more: Partial<FigureQuery> = {}): FigureQuery => ({
  level: 1,
  from: NOW - 60,
  to: NOW + 1,
  step: 1,
  by: null,
  types: null,
  queues: null,
  ...more,
});

const figures = (name: string) => env.FIGURES.getByName(name);

afterEach(() => void vi.useRealTimers());

describe('the figures of an owner', () => {
  it('add up by minute, hour and day, and a batch that comes twice counts once', async () => {
    const object = figures('twice');
    const batches = [
      { number: 5, cells: cellsOf(NOW - 90, [1], 'sum', 1) },
      { number: 6, cells: cellsOf(NOW, [1, 1], 'sum', 2) },
    ];
    await object.add(batches);
    await object.add(batches);
    const submitted = async (more: Partial<FigureQuery>) => {
      const [sum] = await object.read(query(more), batches);
      return sum?.points.map((point) => point.submitted);
    };
    expect(await submitted({})).toEqual([2]);
    expect(await submitted({ from: NOW - 120 })).toEqual([1, 2]);
    const hour = { level: 60, step: 60, from: NOW - (NOW % 60) - 120 } as const;
    expect(await submitted(hour)).toEqual([1, 2]);
    const day = { level: 1440, step: DAY, from: NOW - (NOW % DAY) } as const;
    expect(await submitted(day)).toEqual([3]);
  });

  it('keep minutes for two days, hours and days for ninety', async () => {
    const object = figures('kept');
    for (const [i, ago] of [91 * DAY, 89 * DAY, 2 * DAY + 1, 10, 0].entries())
      await object.add([{ number: i + 1, cells: cellsOf(NOW - ago, [], 'sum', 1) }]);
    const count = (level: number) =>
      runInDurableObject(object, (_, { storage }) =>
        storage.sql.exec('SELECT count(*) AS n FROM figures WHERE level = ?', level).one(),
      );
    expect([await count(1), await count(60), await count(1440)].map(({ n }) => n)).toEqual([
      2, 4, 3,
    ]);
  });

  it('tell 200 types apart, and call the rest "other"', async () => {
    const object = figures('many types');
    const cells: Cells = new Map();
    for (let i = 0; i < 250; i += 1)
      for (const [key, cell] of cellsOf(NOW, [], `type-${i}`, 1)) cells.set(key, cell);
    await object.add([{ number: 1, cells }]);
    const groups = await object.read(query({ by: 'type' }), []);
    expect(groups).toHaveLength(201);
    expect(groups[0]).toMatchObject({ key: 'other', submitted: 50 });
  });

  it('write three rows a minute for a type and queue, however many tasks there were', async () => {
    const object = figures('cost');
    const written = await runInDurableObject(object, async (instance, { storage }) => {
      instance.add([{ number: 1, cells: cellsOf(NOW - 1, [1], 'sum', 1) }]);
      let rows = 0;
      const { exec } = storage.sql;
      vi.spyOn(Object.getPrototypeOf(storage.sql) as SqlStorage, 'exec').mockImplementation(
        function (this: SqlStorage, ...of: Parameters<typeof exec>) {
          const cursor = Reflect.apply(exec, this, of) as SqlStorageCursor<never>;
          const answer = cursor.toArray();
          rows += cursor.rowsWritten;
          return { toArray: () => answer, [Symbol.iterator]: () => answer.values() } as never;
        },
      );
      instance.add([
        { number: 2, cells: cellsOf(NOW, Array(1_000).fill(1) as number[], 'sum', 1_000) },
      ]);
      vi.restoreAllMocks();
      return rows;
    });
    console.log(`a minute of 1 000 tasks of one type and queue: ${written} rows written`);
    // Three of figures, and the number of the batch.
    expect(written).toBe(4);
  });

  it('answer for 90 days of 5 types in 3 queues by the day and by the hour', async () => {
    const object = figures('three months');
    await runInDurableObject(object, (_, { storage }) => {
      const [full = createCell()] = cellsOf(NOW, [1, 2, 3], 'x', 3).values();
      const cell = encodeCell(full);
      const insert = 'INSERT INTO figures VALUES (?, ?, ?, ?, ?)';
      for (const [level, step] of [
        [60, 60],
        [1440, DAY],
      ] as const)
        for (let at = NOW - 90 * DAY; at <= NOW; at += step)
          for (let type = 0; type < 5; type += 1)
            for (const queue of ['default-high', 'default-low', 'external-low'])
              storage.sql.exec(insert, level, at - (at % step), `type-${type}`, queue, cell);
    });
    for (const [level, step] of [
      [1440, DAY],
      [60, 60],
    ] as const) {
      const startedAt = Date.now();
      const from = NOW - 90 * DAY;
      const groups = await object.read(
        query({ level, step, from: from - (from % step), by: 'type' }),
        [],
      );
      console.log(`90 days, steps of ${step / 60} h: ${Date.now() - startedAt} ms`);
      expect(groups).toHaveLength(5);
    }
  });
});

describe('the hand-over', () => {
  const meter = (name: string) => env.METRICS.getByName(name);
  const add = (name: string, owner: string, minute: number) =>
    meter(name).add({
      ...createSnapshot(),
      figures: new Map([[owner, cellsOf(minute, [], 'sum', 1)]]),
    });
  const submitted = async (name: string, owner: string) =>
    (await meter(name).readFigures(owner, query({ from: NOW - 5_000 })))[0]?.submitted ?? 0;

  it('loses and doubles nothing, whenever the objects die', async () => {
    let run = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom('add', 'minute', 'die', 'fail', 'read'), { maxLength: 14 }),
        async (steps) => {
          run += 1;
          const name = `meter ${run}`;
          const owner = `handed ${run}`;
          vi.useFakeTimers({ now: NOW * MINUTE_MS, toFake: ['Date'] });
          let expected = 0;
          for (const [i, step] of steps.entries()) {
            if (step === 'add') {
              await add(name, owner, NOW - i);
              await runDurableObjectAlarm(meter(name));
              expected += 1;
            }
            if (step === 'minute') {
              vi.setSystemTime(Date.now() + 61_000);
              await runDurableObjectAlarm(meter(name));
            }
            // One that nobody has called yet cannot die.
            if (step === 'die') await evictDurableObject(meter(name)).catch(() => {});
            if (step === 'fail') {
              // It arrives, and the meter does not hear of it.
              await runInDurableObject(figures(owner), (instance) => {
                const { add: real } = instance;
                instance.add = function (...of) {
                  real.apply(this, of);
                  delete (this as { add?: unknown }).add;
                  throw new Error('lost on its way back');
                };
              });
            }
            if (step === 'read') expect(await submitted(name, owner)).toBe(expected);
          }
          expect(await submitted(name, owner)).toBe(expected);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('forgets an owner that is erased', async () => {
    await add('erasing', 'erased', NOW);
    expect(await submitted('erasing', 'erased')).toBe(1);
    await meter('erasing').erase('erased');
    expect(await submitted('erasing', 'erased')).toBe(0);
    await add('erasing', 'erased', NOW);
    expect(await submitted('erasing', 'erased')).toBe(1);
  });
});
