import { Hono } from 'hono';
import * as z from 'zod';
import { singleText } from '../../../domain/filter-schema.ts';
import type { AppEnv } from '../../context.ts';
import { digits, nextCursor, whole } from '../../fields.ts';
import { docs } from '../../middleware/docs.ts';
import { answerHead } from '../../middleware/head.ts';
import { scope } from '../../middleware/scope.ts';
import { query } from '../../middleware/validate.ts';
import { orUnavailable } from '../../read-task.ts';
import { SCHEDULE_ID } from './editor.ts';
import { scheduleDetailSchema, toRecentView, toScheduleView } from './schedule-view.ts';

const MAX_RECENT = 30;
const recent = digits(0, MAX_RECENT).meta({ description: 'How many of the newest tasks of each' });

const scheduleListSchema = z.strictObject({
  pagination: z.strictObject({ page_size: whole, next_cursor: nextCursor }),
  schedules: z.array(scheduleDetailSchema),
});

/** Reading schedules. */
export const scheduleReadRoutes = new Hono<AppEnv>()
  .get(
    '/',
    docs({
      id: 'listSchedules',
      tag: 'Schedules',
      summary: 'List schedules, by name',
      answers: { 200: { description: 'One page', body: scheduleListSchema } },
    }),
    scope('tasks:read'),
    query(
      z.strictObject({
        page_size: digits(1, 100).default(100),
        cursor: singleText().max(100).optional(),
        status: singleText()
          .pipe(z.enum(['active', 'paused']))
          .optional(),
        recent: recent.default(1),
      }),
    ),
    answerHead(),
    async (c) => {
      const asked = c.req.valid('query');
      const { schedules } = c.get('services');
      const found = await orUnavailable(c, () =>
        schedules.list(c.get('owner'), {
          limit: asked.page_size + 1,
          recent: asked.recent,
          ...(asked.cursor !== undefined && { after: asked.cursor }),
          ...(asked.status !== undefined && { isPaused: asked.status === 'paused' }),
        }),
      );
      const page = found.slice(0, asked.page_size);
      const next_cursor = found.length > page.length ? (page.at(-1)?.name ?? null) : null;
      return c.json({
        pagination: { page_size: asked.page_size, next_cursor },
        schedules: page.map((row) => ({
          ...toScheduleView(c, row),
          recent: toRecentView(row.recent),
        })),
      });
    },
  )

  .get(
    '/:id',
    docs({
      id: 'getSchedule',
      tag: 'Schedules',
      summary: 'A schedule with its newest tasks',
      params: SCHEDULE_ID,
      answers: { 200: { description: 'The schedule', body: scheduleDetailSchema } },
      errors: ['schedule_not_found'],
    }),
    scope('tasks:read'),
    query(z.strictObject({ recent: recent.default(MAX_RECENT) })),
    answerHead(),
    async (c) => {
      const owner = c.get('owner');
      const { schedules, scheduleCommands } = c.get('services');
      const row = await orUnavailable(c, () => scheduleCommands.find(owner, c.req.param('id')));
      const [listed] = await orUnavailable(c, () =>
        schedules.list(owner, { id: row.id, limit: 1, recent: c.req.valid('query').recent }),
      );
      return c.json({ ...toScheduleView(c, row), recent: toRecentView(listed?.recent ?? '[]') });
    },
  );
