import { addCells, type Cell, type Cells } from './cells.ts';
import { addHistogram, createHistogram, type Histogram } from './histogram.ts';

/**
 * Counts that add up: what one part of the service has counted lately, or all of it since the
 * beginning.
 */

export interface MetricsSnapshot {
  /** By metric and labels, as `formatSeries` makes them. */
  counters: Record<string, number>;
  histograms: Record<string, Histogram>;
  /** What happened to each owner's tasks. Maps, for owners are names of others. */
  figures: Map<string, Cells>;
}

export const createSnapshot = (): MetricsSnapshot => ({
  counters: {},
  histograms: {},
  figures: new Map(),
});
export const isEmptySnapshot = ({ counters, histograms, figures }: MetricsSnapshot): boolean =>
  figures.size === 0 && [counters, histograms].every((part) => Object.keys(part).length === 0);

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

/** Adds the totals of one tally to those of another. */
export const addTotals = (
  to: Omit<MetricsSnapshot, 'figures'>,
  from: Omit<MetricsSnapshot, 'figures'>,
): void => {
  for (const [name, n] of Object.entries(from.counters))
    to.counters[name] = (to.counters[name] ?? 0) + n;
  for (const [name, histogram] of Object.entries(from.histograms))
    addHistogram((to.histograms[name] ??= createHistogram()), histogram);
};

/** Adds one tally to another. */
export const addSnapshot = (to: MetricsSnapshot, from: MetricsSnapshot): void => {
  addTotals(to, from);
  for (const [owner, cells] of from.figures) addCells(findCells(to, owner), cells);
};

/** The owner's cells, to be added to. */
export const findCells = ({ figures }: MetricsSnapshot, owner: string): Cells => {
  const cells = figures.get(owner) ?? new Map<string, Cell>();
  figures.set(owner, cells);
  return cells;
};
