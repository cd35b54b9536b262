import { describe, expect, it } from 'vitest';
import { createHistogram, estimateQuantile, observe } from '../../src/metrics/histogram.ts';

describe('a histogram', () => {
  it('estimates quantiles to within a bucket', () => {
    const histogram = createHistogram();
    expect(estimateQuantile(histogram, 0.5)).toBeNull();
    for (let ms = 1; ms <= 1_000; ms += 1) observe(histogram, ms / 1_000);
    expect(estimateQuantile(histogram, 0.5)).toBeCloseTo(0.5, 1);
    expect(estimateQuantile(histogram, 0.99)).toBeGreaterThan(0.9);
    observe(histogram, 1e9);
    expect(estimateQuantile(histogram, 1)).toBe(7_200);
  });
});
