import { Hono } from 'hono';
import * as z from 'zod';
import { describeRecurrence } from '../../domain/describe-recurrence.ts';
import { findCronProblem, listMoments, type Recurrence } from '../../domain/recurrence.ts';
import { formatLocal, isTimeZone } from '../../domain/time-zone.ts';
import type { AppEnv } from '../context.ts';
import { time, toIso } from '../fields.ts';
import { docs } from '../middleware/docs.ts';
import { limit } from '../middleware/limit.ts';
import { scope } from '../middleware/scope.ts';
import { json } from '../middleware/validate.ts';

const MAX_MINUTES = 527_040;

const preview = z
  .strictObject({
    cron: z
      .string()
      .max(200)
      .superRefine((cron, context) => {
        const message = findCronProblem(cron);
        if (message !== null) context.addIssue({ code: 'custom', message });
      })
      .optional()
      .meta({
        description:
          'Five fields (minute, hour, day, month, weekday), six with seconds in front, or `@daily` and its kin',
      }),
    every: z
      .strictObject({ minutes: z.number().min(1).max(MAX_MINUTES) })
      .optional()
      .meta({ description: 'Instead of `cron`: each so many minutes' }),
    timezone: z
      .string()
      .max(100)
      .refine(isTimeZone, 'A name of the IANA database, such as `Europe/Berlin`')
      .default('UTC'),
    count: z.int().min(1).max(100).default(10),
    after: time.optional().meta({ description: 'Now unless given' }),
  })
  .refine(
    ({ cron, every }) => (cron === undefined) !== (every === undefined),
    'Give either `cron` or `every`',
  );

const toRecurrence = (
  { cron, every, timezone }: z.output<typeof preview>,
  anchor: number,
): Recurrence =>
  cron === undefined
    ? { everyMs: Math.round((every?.minutes ?? 1) * 60_000), anchor }
    : { cron, timezone };

/** `/schedules`: when tasks are submitted by themselves. */
export const scheduleRoutes = new Hono<AppEnv>().post(
  '/preview',
  docs({
    id: 'previewSchedule',
    tag: 'Tasks',
    summary: 'When a schedule would fire',
    description:
      'A time of day that clocks skip fires at the first moment after the gap, one that comes twice at ' +
      'the first of the two. A cron that names no hour follows the time that passes.',
    answers: {
      200: {
        description: 'In words, and the next moments',
        body: z.strictObject({
          words: z.string(),
          next: z.array(
            z.strictObject({
              at: time,
              local: z.string().meta({ description: 'What the clocks of the zone show' }),
            }),
          ),
        }),
      },
    },
    examples: { nightly: { cron: '30 2 * * *', timezone: 'Europe/Berlin', count: 3 } },
  }),
  scope('tasks:read'),
  limit('reads'),
  json(preview),
  (c) => {
    const asked = c.req.valid('json');
    const { now } = c.get('services');
    const after = asked.after === undefined ? now() : Date.parse(asked.after);
    const recurrence = toRecurrence(asked, after);
    return c.json({
      words: describeRecurrence(recurrence),
      next: listMoments(recurrence, after, asked.count).map((at) => ({
        at: toIso(at),
        local: formatLocal(at, asked.timezone),
      })),
    });
  },
);
