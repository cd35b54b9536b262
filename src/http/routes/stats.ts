import { Hono } from 'hono';
import * as z from 'zod';
import { STATUSES } from '../../domain/words.ts';
import { DIMENSIONS } from '../../metrics/cells.ts';
import type { FigureQuery, Group, Times } from '../../metrics/series.ts';
import { createCounts } from '../../store/counts.ts';
import type { AppEnv } from '../context.ts';
import { namedFilters } from '../../domain/filter-schema.ts';
import { checkWindow, figureWindow, MINUTE_MS, toWindow } from '../figure-window.ts';
import { time, timeOrNull, toIso, whole } from '../fields.ts';
import { docs } from '../middleware/docs.ts';
import { answerHead } from '../middleware/head.ts';
import { scope } from '../middleware/scope.ts';
import { query } from '../middleware/validate.ts';
import { orUnavailable } from '../read-task.ts';

const quantile = z.number().nullable();
const times = z.strictObject({ count: whole, p50: quantile, p95: quantile, p99: quantile });

const events = {
  submitted: whole,
  completed: whole,
  failed: whole,
  cancelled: whole,
  retried: whole,
};

const groupSchema = z.strictObject({
  key: z.string().nullable().meta({ description: 'A type, queue or outcome; null without `by`' }),
  ...events,
  wait_seconds: times,
  run_seconds: times,
  slower_since: timeOrNull.meta({
    description: 'Since when the usual attempt takes half as long again as before, or longer',
  }),
  points: z.array(z.strictObject({ at: time, ...events, wait_seconds: times, run_seconds: times })),
});

export const statsSchema = z
  .strictObject({
    counts: z.strictObject(Object.fromEntries(STATUSES.map((status) => [status, whole]))),
    counted_up_to: whole,
    oldest_waiting_seconds: z.number().nullable(),
    minutes: z.array(z.strictObject({ at: time, ...events })),
    wait_seconds: times,
    run_seconds: times,
    from: time,
    to: time,
    step_seconds: whole,
    groups: z.array(groupSchema),
  })
  .meta({ id: 'Stats' });

const statsQuery = z
  .strictObject({
    ...figureWindow,
    by: z.enum(DIMENSIONS).optional(),
    type: namedFilters.type,
    queue: namedFilters.queue,
  })
  .superRefine(checkWindow);

const toTimes = ({ count, p50, p95, p99 }: Times) => ({ count, p50, p95, p99 });
const toEvents = ({
  submitted,
  completed,
  failed,
  cancelled,
  retried,
}: Group['points'][number]) => ({
  submitted,
  completed,
  failed,
  cancelled,
  retried,
});

const toGroupView = ({ key, wait, run, slowerSince, points, ...counts }: Group) => ({
  key,
  ...counts,
  wait_seconds: toTimes(wait),
  run_seconds: toTimes(run),
  slower_since: slowerSince === null ? null : toIso(slowerSince * MINUTE_MS),
  points: points.map((point) => ({
    at: toIso(point.at * MINUTE_MS),
    ...toEvents(point),
    wait_seconds: toTimes(point.wait),
    run_seconds: toTimes(point.run),
  })),
});

const NONE: Times = { count: 0, p50: null, p95: null, p99: null };

/** `/stats`: how the owner's tasks stand, and how they went lately. */
export const statsRoutes = new Hono<AppEnv>().get(
  '/stats',
  docs({
    id: 'getStats',
    tag: 'Operations',
    summary: 'How the tasks stand, and how they went lately',
    description:
      'Counts by status, of each 10 000 at most, as they are now; and what happened within a time: ' +
      '`minutes=60` is the last hour by the minute, `from`, `to` and `step` any other, up to 90 days ' +
      'back (by the minute two days). `by` splits it. Times are in seconds, as far as a histogram tells.',
    answers: { 200: { description: 'Figures of the owner', body: statsSchema } },
  }),
  scope('tasks:read'),
  query(statsQuery),
  answerHead(),
  async (c) => {
    const { useReplica, catalog, metrics, now } = c.get('services');
    const counts = useReplica(createCounts);
    const asked = c.req.valid('query');
    const owner = c.get('owner');
    const at = now();
    const window = toWindow(asked, at);
    const figureQuery: FigureQuery = {
      ...window,
      by: asked.by ?? null,
      types: asked.type?.map((name) => catalog.find(owner, name)?.type ?? name) ?? null,
      queues: asked.queue ?? null,
    };
    const [byStatus, waitingSince, groups, all] = await orUnavailable(c, () =>
      Promise.all([
        counts.countOfOwner(owner),
        counts.findOldestWaiting(owner, at),
        metrics.readFigures(owner, figureQuery),
        asked.by === undefined ? null : metrics.readFigures(owner, { ...figureQuery, by: null }),
      ]),
    );
    const [sum] = all ?? groups;
    return c.json({
      counts: Object.fromEntries(STATUSES.map((status) => [status, byStatus[status]])),
      counted_up_to: 10_000,
      oldest_waiting_seconds: waitingSince === null ? null : Math.max(0, at - waitingSince) / 1_000,
      minutes:
        (asked.from ?? asked.to ?? asked.step) !== undefined
          ? []
          : (sum?.points ?? []).map((point) => ({
              at: toIso(point.at * MINUTE_MS),
              ...toEvents(point),
            })),
      wait_seconds: toTimes(sum?.wait ?? NONE),
      run_seconds: toTimes(sum?.run ?? NONE),
      from: toIso(window.from * MINUTE_MS),
      to: toIso(window.to * MINUTE_MS),
      step_seconds: window.step * 60,
      groups: groups.map(toGroupView),
    });
  },
);
