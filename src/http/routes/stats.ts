import { Hono } from 'hono';
import * as z from 'zod';
import { STATUSES } from '../../domain/words.ts';
import {
  countObservations,
  estimateQuantile,
  type Histogram,
  type Minute,
} from '../../metrics/snapshot.ts';
import { createCounts } from '../../store/counts.ts';
import type { AppEnv } from '../context.ts';
import { digits, time, toIso, whole } from '../fields.ts';
import { docs } from '../middleware/docs.ts';
import { answerHead } from '../middleware/head.ts';
import { scope } from '../middleware/scope.ts';
import { query } from '../middleware/validate.ts';
import { orUnavailable } from '../read-task.ts';

const quantile = z.number().nullable();
const times = z.strictObject({ count: whole, p50: quantile, p95: quantile, p99: quantile });

export const statsSchema = z
  .strictObject({
    counts: z.strictObject(Object.fromEntries(STATUSES.map((status) => [status, whole]))),
    counted_up_to: whole,
    oldest_waiting_seconds: z.number().nullable(),
    minutes: z.array(
      z.strictObject({
        at: time,
        submitted: whole,
        completed: whole,
        failed: whole,
        cancelled: whole,
        retried: whole,
      }),
    ),
    wait_seconds: times,
    run_seconds: times,
  })
  .meta({ id: 'Stats' });

const statsQuery = z.strictObject({ minutes: digits(1, 1_440).default(60) });

/** The quantiles of one histogram of all these minutes. */
const summarizeTimes = (minutes: readonly Minute[], part: 'wait' | 'run') => {
  const sum = minutes
    .map((minute) => minute[part])
    .reduce<Histogram>((total, each) => each.map((n, i) => n + (total[i] ?? 0)), [0]);
  return {
    count: countObservations(sum),
    p50: estimateQuantile(sum, 0.5),
    p95: estimateQuantile(sum, 0.95),
    p99: estimateQuantile(sum, 0.99),
  };
};

const toMinuteView = ({ at, minute }: { at: number; minute: Minute }) => {
  const { submitted, completed, failed, cancelled, retried } = minute;
  return { at: toIso(at), submitted, completed, failed, cancelled, retried };
};

/** `/stats`: how the owner's tasks stand, and how they went lately. */
export const statsRoutes = new Hono<AppEnv>().get(
  '/stats',
  docs({
    id: 'getStats',
    tag: 'Operations',
    summary: 'How the tasks stand, and how they went lately',
    description:
      'Counts by status, of each 10 000 at most; the last minutes, those without news left out; ' +
      'and how long tasks waited and ran in them, in seconds, as far as a histogram tells.',
    answers: { 200: { description: 'Figures of the owner', body: statsSchema } },
  }),
  scope('tasks:read'),
  query(statsQuery),
  answerHead(),
  async (c) => {
    const { useReplica, metrics, now } = c.get('services');
    const counts = useReplica(createCounts);
    const { minutes } = c.req.valid('query');
    const owner = c.get('owner');
    const at = now();
    const [byStatus, waitingSince, series] = await orUnavailable(c, () =>
      Promise.all([
        counts.countOfOwner(owner),
        counts.findOldestWaiting(owner, at),
        metrics.readMinutes(owner, minutes, at),
      ]),
    );
    const all = series.map(({ minute }) => minute);
    return c.json({
      counts: Object.fromEntries(STATUSES.map((status) => [status, byStatus[status]])),
      counted_up_to: 10_000,
      oldest_waiting_seconds: waitingSince === null ? null : Math.max(0, at - waitingSince) / 1_000,
      minutes: series.map(toMinuteView),
      wait_seconds: summarizeTimes(all, 'wait'),
      run_seconds: summarizeTimes(all, 'run'),
    });
  },
);
