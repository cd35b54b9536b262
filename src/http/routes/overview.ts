import { Hono } from 'hono';
import * as z from 'zod';
import {
  countObservations,
  estimateQuantile,
  type Histogram,
  type Minute,
} from '../../metrics/snapshot.ts';
import { STATUSES } from '../../domain/task.ts';
import type { AppEnv } from '../context.ts';
import { digits } from '../list-query.ts';
import { describe } from '../openapi/operation.ts';
import { asking } from '../read-task.ts';
import * as answers from '../responses.ts';
import { query } from '../validate.ts';

const timesOf = (histogram: Histogram) => ({
  count: countObservations(histogram),
  p50: estimateQuantile(histogram, 0.5),
  p95: estimateQuantile(histogram, 0.95),
  p99: estimateQuantile(histogram, 0.99),
});

const added = (minutes: readonly Minute[], part: 'wait' | 'run'): Histogram =>
  minutes
    .map((minute) => minute[part])
    .reduce((sum, each) => each.map((n, i) => n + (sum[i] ?? 0)), [0]);

const statsQuery = z.strictObject({ minutes: digits(1, 1_440).default(60) });

/** What is happening, how slow, and what fails: the owner's own tasks. */
export const overview = new Hono<AppEnv>()
  .get(
    '/stats',
    describe({
      id: 'getStats',
      access: 'tasks:read',
      tag: 'Around it',
      summary: 'How the tasks stand, and how they went lately',
      description:
        'Counts by status, of each 10 000 at most; the last minutes, those without news left out; and how long tasks waited and ran in them, in seconds, as far as a histogram tells.',
      answers: { 200: { description: 'Figures of the owner', body: answers.stats } },
    }),
    query(statsQuery),
    async (c) => {
      const { counts, metrics, now } = c.get('services');
      const { minutes } = c.req.valid('query');
      const at = now();
      const [byStatus, waitingSince, series] = await Promise.all([
        asking(c, () => counts.ofOwner(c.get('owner'))),
        asking(c, () => counts.oldestWaiting(c.get('owner'), at)),
        asking(c, () => metrics.minutesOf(c.get('owner'), minutes, at)),
      ]);
      const all = series.map(({ minute }) => minute);
      return c.json({
        counts: Object.fromEntries(STATUSES.map((status) => [status, byStatus[status]])),
        counted_up_to: 10_000,
        oldest_waiting_seconds:
          waitingSince === null ? null : Math.max(0, at - waitingSince) / 1_000,
        minutes: series.map(
          ({ at: from, minute: { submitted, completed, failed, cancelled, retried } }) => ({
            at: new Date(from).toISOString(),
            submitted,
            completed,
            failed,
            cancelled,
            retried,
          }),
        ),
        wait_seconds: timesOf(added(all, 'wait')),
        run_seconds: timesOf(added(all, 'run')),
      });
    },
  )

  .get(
    '/errors',
    describe({
      id: 'listErrors',
      access: 'tasks:read',
      tag: 'Around it',
      summary: 'What fails: failed tasks grouped by type and message',
      description:
        'The 100 largest groups among the newest 2 000 failed tasks. `POST /tasks/actions` with `type` and `error` acts on a whole group.',
      answers: { 200: { description: 'The groups, the largest first', body: answers.errorGroups } },
    }),
    async (c) => {
      const groups = await asking(c, () => c.get('services').counts.failures(c.get('owner')));
      return c.json({
        groups: groups.map(({ type, code, message, tasks, first_at, last_at, newest }) => ({
          type,
          code,
          message,
          tasks,
          first_at: new Date(first_at).toISOString(),
          last_at: new Date(last_at).toISOString(),
          newest_task_id: newest,
        })),
      });
    },
  );
