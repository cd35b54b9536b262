/** Durations by bucket: they add up, and tell quantiles as far as the buckets do. */

/** Upper bounds of a histogram's buckets, in seconds. */
export const BOUNDS = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800, 7_200,
] as const;

/** Observations by bucket, those beyond the last bound, and their sum in seconds; empty: none. */
export type Histogram = number[];

const HISTOGRAM_LENGTH = BOUNDS.length + 2;

export const createHistogram = (): Histogram => Array.from({ length: HISTOGRAM_LENGTH }, () => 0);

export const observe = (histogram: Histogram, seconds: number): void => {
  const at = BOUNDS.findIndex((bound) => seconds <= bound);
  const bucket = at === -1 ? BOUNDS.length : at;
  histogram[bucket] = (histogram[bucket] ?? 0) + 1;
  histogram[HISTOGRAM_LENGTH - 1] = (histogram[HISTOGRAM_LENGTH - 1] ?? 0) + seconds;
};

// Plain loops: three months by the hour are some hundred thousand histograms.
export const countObservations = (histogram: Histogram): number => {
  let count = 0;
  for (let i = 0; i < HISTOGRAM_LENGTH - 1; i += 1) count += histogram[i] ?? 0;
  return count;
};

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

export const addHistogram = (to: Histogram, from: Histogram): void => {
  for (let i = 0; i < from.length; i += 1) to[i] = (to[i] ?? 0) + (from[i] ?? 0);
};
