import type { Level } from '../domain/figures.ts';
import {
  addCell,
  countEvents,
  createCell,
  sumRuns,
  TIMED_OUTCOMES,
  type Cell,
  type Dimension,
} from './cells.ts';
import {
  addHistogram,
  countObservations,
  createHistogram,
  estimateQuantile,
  type Histogram,
} from './histogram.ts';

/** What is asked of figures. Times are minutes since 1970. */
export interface FigureQuery {
  /** The rows to read: the longest that make up a step. */
  level: Level;
  from: number;
  to: number;
  step: number;
  by: Dimension | null;
  /** Of these alone; null means all. */
  types: string[] | null;
  queues: string[] | null;
}

/** Seconds below which half, and 95 and 99 of a hundred, stayed; null without any. */
export interface Times {
  count: number;
  p50: number | null;
  p95: number | null;
  p99: number | null;
}

type Events = ReturnType<typeof countEvents>;
export type Point = Events & { at: number; wait: Times; run: Times };
/** Figures of a type, a queue, an outcome, or of all. */
export type Group = Events & {
  key: string | null;
  wait: Times;
  run: Times;
  /** Since which minute the attempts take clearly longer than before; null when they do not. */
  slowerSince: number | null;
  points: Point[];
};

const measureTimes = (histogram: Histogram): Times => ({
  count: countObservations(histogram),
  p50: estimateQuantile(histogram, 0.5),
  p95: estimateQuantile(histogram, 0.95),
  p99: estimateQuantile(histogram, 0.99),
});

const MAX_POINTS = 10_000;

/** How much longer the usual attempt must take, and of how many it must be told. */
const SLOWER = { factor: 1.5, least: 20 };

/**
 * The moment that divides what was fast from what is slow best: the median after it is at least half
 * as long again as before, and so are the newest steps.
 */
export const findSlowerSince = (
  steps: readonly { at: number; run: Histogram }[],
): number | null => {
  const after = createHistogram();
  for (const { run } of steps) addHistogram(after, run);
  const before = createHistogram();
  const newest = createHistogram();
  for (const { run } of steps.toReversed()) {
    if (countObservations(newest) >= SLOWER.least) break;
    addHistogram(newest, run);
  }
  const now = estimateQuantile(newest, 0.5) ?? 0;
  let best: { at: number; factor: number } | null = null;
  for (const { at, run } of steps) {
    if (Math.min(countObservations(before), countObservations(after)) >= SLOWER.least) {
      const usual = estimateQuantile(before, 0.5) ?? Infinity;
      const factor = (estimateQuantile(after, 0.5) ?? 0) / usual;
      const isSlower = factor >= SLOWER.factor && now / usual >= SLOWER.factor;
      if (isSlower && factor > (best?.factor ?? 0)) best = { at, factor };
    }
    addHistogram(before, run);
    addHistogram(
      after,
      run.map((n) => -n),
    );
  }
  return best?.at ?? null;
};

/** The parts of a cell that belong to each group: its outcome's alone, or all of it. */
const splitByOutcome = (cell: Cell): [string, Cell][] => [
  ...TIMED_OUTCOMES.map((outcome): [string, Cell] => [
    outcome,
    { ...createCell(), [outcome]: cell[outcome] },
  ]),
  ['cancelled', { ...createCell(), cancelled: cell.cancelled }],
];

/** Gathers cells into groups and steps. */
export const createSeries = ({ from, step, by, types, queues }: FigureQuery) => {
  const groups = new Map<string | null, Map<number, Cell>>();
  const addTo = (key: string | null, at: number, cell: Cell): void => {
    const points = groups.get(key) ?? new Map<number, Cell>();
    groups.set(key, points);
    const point = points.get(at) ?? createCell();
    points.set(at, point);
    addCell(point, cell);
  };

  const toPoint = ([at, cell]: [number, Cell]): Point => ({
    at,
    ...countEvents(cell),
    wait: measureTimes(cell.wait),
    run: measureTimes(sumRuns(cell)),
  });

  const toGroup = ([key, points]: [string | null, Map<number, Cell>]): Group => {
    const steps = [...points].toSorted(([a], [b]) => a - b);
    const sum = createCell();
    for (const [, cell] of steps) addCell(sum, cell);
    const { at: _, ...figures } = toPoint([0, sum]);
    const runs = steps.map(([at, cell]) => ({ at, run: sumRuns(cell) }));
    return { key, ...figures, slowerSince: findSlowerSince(runs), points: steps.map(toPoint) };
  };

  return {
    add(place: { at: number; type: string; queue: string }, cell: Cell): void {
      if (types && !types.includes(place.type)) return;
      if (queues && !queues.includes(place.queue)) return;
      const at = place.at - ((place.at - from) % step);
      if (by === 'outcome')
        for (const [outcome, part] of splitByOutcome(cell)) addTo(outcome, at, part);
      else addTo(by === null ? null : place[by], at, cell);
    },

    /**
     * Groups in which something happened, the busiest first; their steps by time, as long as an
     * answer has room for them.
     */
    toGroups: (): Group[] => {
      const count = ({ submitted, completed, failed, cancelled, retried }: Group): number =>
        submitted + completed + failed + cancelled + retried;
      let points = 0;
      return [...groups]
        .map(toGroup)
        .filter((group) => count(group) > 0 || group.wait.count > 0)
        .toSorted((a, b) => count(b) - count(a))
        .map((group) => {
          points += group.points.length;
          return points > MAX_POINTS ? { ...group, points: [] } : group;
        });
    },
  };
};
