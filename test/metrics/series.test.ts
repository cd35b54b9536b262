import { describe, expect, it } from 'vitest';
import { createHistogram, observe } from '../../src/metrics/histogram.ts';
import { findSlowerSince } from '../../src/metrics/series.ts';

const runs = (...seconds: number[]) => {
  const run = createHistogram();
  for (const each of seconds) observe(run, each);
  return run;
};
const many = (seconds: number) => runs(...Array.from({ length: 10 }, () => seconds));
const steps = (...medians: number[]) => medians.map((seconds, at) => ({ at, run: many(seconds) }));

describe('slower since', () => {
  it.each([
    ['a clear step', steps(0.02, 0.02, 0.02, 0.4, 0.4, 0.4), 3],
    ['nothing changed', steps(0.02, 0.02, 0.02, 0.02, 0.02), null],
    ['it became faster', steps(0.4, 0.4, 0.4, 0.02, 0.02), null],
    ['it was slow for a while', steps(0.02, 0.02, 0.4, 0.4, 0.02, 0.02), null],
    ['too few to tell', steps(0.02, 0.4), null],
    ['no figures', [], null],
  ])('%s', (_what, given, expected) => {
    expect(findSlowerSince(given)).toBe(expected);
  });
});
