import { describeError } from '../domain/errors.ts';
import { findCell, toCellKey, type Cell } from './cells.ts';
import type { Metric } from './exposition.ts';
import { createHistogram, observe } from './histogram.ts';
import {
  createSnapshot,
  isEmptySnapshot,
  findCells,
  formatSeries,
  type MetricsSnapshot,
} from './snapshot.ts';
import { withTimeout } from '../domain/timeout.ts';
import type { Logger } from '../log.ts';

/** Counts gathered within this time go to the Metrics object in one call. */
const GATHER_MS = 1_000;
/** A flush that has not come by then was cancelled with the request that scheduled it. */
const FORGOTTEN_MS = 5_000;
const SEND_TIMEOUT_MS = 2_000;
const MINUTE_MS = 60_000;

export interface MetricsBufferDeps {
  send(snapshot: MetricsSnapshot): Promise<void>;
  /** Keeps the invocation alive until it is done. */
  waitUntil(work: Promise<unknown>): void;
  wait(ms: number): Promise<void>;
  now(): number;
  log: Logger;
}

/**
 * Counts in memory. Each caller flushes: the consumer of a queue at the end of its batch, for the
 * queue waits for whatever a batch leaves behind, and every other caller once a second. So the
 * Metrics object is not called per request, task or message. A crash loses what was counted within
 * the last second; a counter that was reported never goes back.
 */
export const createMetricsBuffer = ({ send, waitUntil, wait, now, log }: MetricsBufferDeps) => {
  let buffer = createSnapshot();
  let scheduledAt = -Infinity;
  /** Since when something waits to be sent; Infinity when nothing does. */
  let countedAt = Infinity;
  const noteCount = (): void => void (countedAt = Math.min(countedAt, now()));

  /** Names are made once: there are few, for labels are words of ours. */
  const names = new Map<string, string>();
  const nameSeries = (metric: Metric, labels: Record<string, string>): string => {
    const key = `${metric} ${Object.values(labels).join(' ')}`;
    const name = names.get(key) ?? formatSeries(metric, labels);
    names.set(key, name);
    return name;
  };

  const flush = async (): Promise<void> => {
    scheduledAt = -Infinity;
    if (isEmptySnapshot(buffer)) return;
    const full = buffer;
    buffer = createSnapshot();
    countedAt = Infinity;
    try {
      await withTimeout(SEND_TIMEOUT_MS, send(full));
    } catch (error) {
      // Not sent again: it may have been added.
      log.warn('counts_lost', { error: describeError(error) });
    }
  };

  return {
    /** Sends the counts now. Never throws. */
    flush,

    /** Sends the counts if they have waited for a second: for who may have no timer. Never throws. */
    flushOld: async (): Promise<void> => {
      if (now() - countedAt >= GATHER_MS) await flush();
    },

    /** Sends the counts within a second. */
    flushSoon(): void {
      if (isEmptySnapshot(buffer) || now() - scheduledAt < FORGOTTEN_MS) return;
      scheduledAt = now();
      waitUntil(wait(GATHER_MS).then(flush));
    },

    count(metric: Metric, labels: Record<string, string> = {}, by = 1): void {
      noteCount();
      const name = nameSeries(metric, labels);
      buffer.counters[name] = (buffer.counters[name] ?? 0) + by;
    },

    observe(metric: Metric, labels: Record<string, string>, seconds: number): void {
      observe((buffer.histograms[nameSeries(metric, labels)] ??= createHistogram()), seconds);
    },

    /** The figures of an owner's type and queue in the minute of `at` (ms), to be added to. */
    findCell(owner: string, at: number, type: string, queue: string): Cell {
      const key = toCellKey(Math.floor(at / MINUTE_MS), type, queue);
      return findCell(findCells(buffer, owner), key);
    },
  };
};

export type MetricsBuffer = ReturnType<typeof createMetricsBuffer>;
