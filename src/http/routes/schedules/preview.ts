import { Hono } from 'hono';
import * as z from 'zod';
import { describeRecurrence } from '../../../domain/describe-recurrence.ts';
import { listMoments, type Recurrence } from '../../../domain/recurrence.ts';
import { toRecurrence } from '../../../domain/schedule.ts';
import type { AppEnv } from '../../context.ts';
import { digits, time } from '../../fields.ts';
import { docs } from '../../middleware/docs.ts';
import { answerHead } from '../../middleware/head.ts';
import { limit } from '../../middleware/limit.ts';
import { scope } from '../../middleware/scope.ts';
import { json, query } from '../../middleware/validate.ts';
import { orUnavailable } from '../../read-task.ts';
import { SCHEDULE_ID } from './editor.ts';
import {
  hasOneRecurrence,
  ONE_RECURRENCE,
  recurrenceFields,
  toGivenRecurrence,
} from './schedule-schema.ts';
import { momentSchema, toMomentView } from './schedule-view.ts';

const MAX_SHOWN = 100;
const DEFAULT_SHOWN = 10;

const momentsSchema = z
  .strictObject({ words: z.string(), next: z.array(momentSchema) })
  .meta({ id: 'Moments' });

const preview = z
  .strictObject({
    ...recurrenceFields,
    count: z.int().min(1).max(MAX_SHOWN).default(DEFAULT_SHOWN),
    after: time.optional().meta({ description: 'Now unless given' }),
  })
  .refine(hasOneRecurrence, ONE_RECURRENCE);

const toMoments = (recurrence: Recurrence, zone: string, after: number, count: number) => ({
  words: describeRecurrence(recurrence),
  next: listMoments(recurrence, after, count).map((at) => toMomentView(at, zone)),
});

/** When schedules fire. */
export const previewRoutes = new Hono<AppEnv>()
  .post(
    '/preview',
    docs({
      id: 'previewSchedule',
      tag: 'Schedules',
      summary: 'When a schedule would fire',
      description:
        'A time of day that clocks skip fires at the first moment after the gap, one that comes twice ' +
        'at the first of the two. A cron that names no hour follows the time that passes.',
      answers: { 200: { description: 'In words, and the next moments', body: momentsSchema } },
      examples: { nightly: { cron: '30 2 * * *', timezone: 'Europe/Berlin', count: 3 } },
    }),
    scope('tasks:read'),
    limit('reads'),
    json(preview),
    (c) => {
      const asked = c.req.valid('json');
      const { now } = c.get('services');
      const after = asked.after === undefined ? now() : Date.parse(asked.after);
      const recurrence = toGivenRecurrence(asked, after);
      return c.json(toMoments(recurrence, asked.timezone, after, asked.count));
    },
  )

  .get(
    '/:id/next',
    docs({
      id: 'listNextMoments',
      tag: 'Schedules',
      summary: 'When a schedule fires next',
      description: 'As if it were not paused.',
      params: SCHEDULE_ID,
      answers: { 200: { description: 'In words, and the next moments', body: momentsSchema } },
      errors: ['schedule_not_found'],
    }),
    scope('tasks:read'),
    query(z.strictObject({ count: digits(1, MAX_SHOWN).default(DEFAULT_SHOWN) })),
    answerHead(),
    async (c) => {
      const { count } = c.req.valid('query');
      const { scheduleCommands, now } = c.get('services');
      const row = await orUnavailable(c, () =>
        scheduleCommands.find(c.get('owner'), c.req.param('id')),
      );
      return c.json(toMoments(toRecurrence(row), row.timezone, now(), count));
    },
  );
