/**
 * Counts that add up: what one part of the service has counted lately, or all of it since the
 * beginning.
 */

/** Upper bounds of a histogram's buckets, in seconds. */
export const BOUNDS = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800, 7_200,
] as const;

/** Observations by bucket, those beyond the last bound, and their sum in seconds. */
export type Histogram = number[];
const HISTOGRAM_LENGTH = BOUNDS.length + 2;

/** The events of an owner's tasks within a minute. */
export interface Minute {
  submitted: number;
  completed: number;
  failed: number;
  cancelled: number;
  retried: number;
  wait: Histogram;
  run: Histogram;
}

export interface MetricsSnapshot {
  /** By metric and labels, as `formatSeries` makes them. */
  counters: Record<string, number>;
  histograms: Record<string, Histogram>;
  /** By owner, and by the minute since 1970. Maps, for owners are names of others. */
  minutes: Map<string, Map<number, Minute>>;
}

export const createSnapshot = (): MetricsSnapshot => ({
  counters: {},
  histograms: {},
  minutes: new Map(),
});
export const isEmptySnapshot = ({ counters, histograms, minutes }: MetricsSnapshot): boolean =>
  minutes.size === 0 && [counters, histograms].every((part) => Object.keys(part).length === 0);

export const createHistogram = (): Histogram => Array.from({ length: HISTOGRAM_LENGTH }, () => 0);
export const createMinute = (): Minute => ({
  submitted: 0,
  completed: 0,
  failed: 0,
  cancelled: 0,
  retried: 0,
  wait: createHistogram(),
  run: createHistogram(),
});

/**
 * A metric with its labels, as Prometheus writes it: `name{label="value"}`. The values are words of
 * ours.
 */
export const formatSeries = (metric: string, labels: Record<string, string>): string => {
  const pairs = Object.entries(labels).map(
    ([label, value]) => `${label}="${value.replaceAll(/["\\\n]/g, '_')}"`,
  );
  return pairs.length > 0 ? `${metric}{${pairs.join(',')}}` : metric;
};

export const observe = (histogram: Histogram, seconds: number): void => {
  const at = BOUNDS.findIndex((bound) => seconds <= bound);
  const bucket = at === -1 ? BOUNDS.length : at;
  histogram[bucket] = (histogram[bucket] ?? 0) + 1;
  histogram[HISTOGRAM_LENGTH - 1] = (histogram[HISTOGRAM_LENGTH - 1] ?? 0) + seconds;
};

export const countObservations = (histogram: Histogram): number =>
  histogram.slice(0, -1).reduce((sum, n) => sum + n, 0);
export const sumObservations = (histogram: Histogram): number => histogram.at(-1) ?? 0;

/**
 * The seconds below which this part of the observations lies, as far as the buckets tell; null
 * without any.
 */
export const estimateQuantile = (histogram: Histogram, part: number): number | null => {
  const wanted = countObservations(histogram) * part;
  if (wanted === 0) return null;
  let seen = 0;
  for (const [i, bound] of BOUNDS.entries()) {
    const here = histogram[i] ?? 0;
    if (seen + here >= wanted) {
      const from = BOUNDS[i - 1] ?? 0;
      return from + ((bound - from) * (wanted - seen)) / here;
    }
    seen += here;
  }
  return BOUNDS.at(-1) ?? null;
};

const addHistogram = (to: Histogram, from: Histogram): void => {
  for (const [i, n] of from.entries()) to[i] = (to[i] ?? 0) + n;
};

export const addMinute = (to: Minute, from: Minute): void => {
  for (const name of ['submitted', 'completed', 'failed', 'cancelled', 'retried'] as const)
    to[name] += from[name];
  addHistogram(to.wait, from.wait);
  addHistogram(to.run, from.run);
};

/** Adds the totals of one tally to those of another. */
export const addTotals = (
  to: Omit<MetricsSnapshot, 'minutes'>,
  from: Omit<MetricsSnapshot, 'minutes'>,
): void => {
  for (const [name, n] of Object.entries(from.counters))
    to.counters[name] = (to.counters[name] ?? 0) + n;
  for (const [name, histogram] of Object.entries(from.histograms))
    addHistogram((to.histograms[name] ??= createHistogram()), histogram);
};

/** The owner's minute, to be added to. */
export const findMinute = ({ minutes }: MetricsSnapshot, owner: string, minute: number): Minute => {
  const byMinute = minutes.get(owner) ?? new Map<number, Minute>();
  minutes.set(owner, byMinute);
  const found = byMinute.get(minute) ?? createMinute();
  byMinute.set(minute, found);
  return found;
};

/** Adds one tally to another. */
export const addSnapshot = (to: MetricsSnapshot, from: MetricsSnapshot): void => {
  addTotals(to, from);
  for (const [owner, byMinute] of from.minutes)
    for (const [minute, more] of byMinute) addMinute(findMinute(to, owner, minute), more);
};
