import { Hono } from 'hono';
import * as z from 'zod';
import { refuseFields } from '../../../domain/field-errors.ts';
import { toAllowedView } from '../../answer-task.ts';
import type { AppEnv } from '../../context.ts';
import { time, toIso, whole } from '../../fields.ts';
import { docs } from '../../middleware/docs.ts';
import { limit } from '../../middleware/limit.ts';
import { scope } from '../../middleware/scope.ts';
import { json } from '../../middleware/validate.ts';
import { orUnavailable } from '../../read-task.ts';
import { readIdempotencyKey, SUBMIT_ERRORS } from '../../submit-tasks.ts';
import { taskSchema } from '../tasks/task-schema.ts';
import { SCHEDULE_ID, toEditor } from './editor.ts';

/** Clocks differ by seconds. */
const MAX_SKEW_MS = 60_000;

const backfill = z.strictObject({
  from: z.iso.datetime({ offset: true }).meta({ description: 'This moment included' }),
  to: z.iso
    .datetime({ offset: true })
    .optional()
    .meta({ description: 'This moment included; now unless given' }),
  dry_run: z
    .boolean()
    .default(false)
    .meta({ description: 'true: only tell which moments they are' }),
});

export const backfillSchema = z
  .strictObject({
    submitted: whole.meta({ description: 'Tasks that are new, or would be' }),
    existing: whole.meta({ description: 'Moments whose task was there' }),
    moments: z.array(
      z.strictObject({
        at: time,
        task_id: z.uuid().nullable().meta({ description: 'Null: it would be new' }),
      }),
    ),
  })
  .meta({ id: 'Backfill' });

const RUN = { tag: 'Schedules', params: SCHEDULE_ID } as const;
const ERRORS = ['schedule_not_found', ...SUBMIT_ERRORS] as const;

/** Running schedules by hand. */
export const scheduleRunRoutes = new Hono<AppEnv>()
  .post(
    '/:id/trigger',
    docs({
      ...RUN,
      id: 'triggerSchedule',
      summary: 'Submit the task of a schedule now',
      description:
        'Whatever `overlap` says, and also while it is paused. Its moments stay as they are.',
      answers: {
        202: { description: 'The task', body: taskSchema, headers: { Location: 'The task' } },
      },
      errors: ERRORS,
      headers: { 'Idempotency-Key': 'The same key gives the same task, however often it is sent' },
    }),
    scope('schedules:write'),
    limit('writes'),
    async (c) => {
      const key = readIdempotencyKey(c) ?? undefined;
      const { scheduleCommands } = c.get('services');
      const { task, replayed } = await orUnavailable(c, () =>
        scheduleCommands.trigger(c.get('owner'), c.req.param('id'), toEditor(c), key),
      );
      if (replayed) c.header('Idempotent-Replayed', 'true');
      return c.json(toAllowedView(c, task), 202, { Location: `/tasks/${task.id}` });
    },
  )

  .post(
    '/:id/backfill',
    docs({
      ...RUN,
      id: 'backfillSchedule',
      summary: 'Submit the tasks of moments that are past',
      description:
        'Of the moments between the two, at most 1 000, those that have no task yet, whatever `overlap` ' +
        'says. Repeated, it makes no second task.',
      answers: {
        200: { description: 'What it would do, for a `dry_run`', body: backfillSchema },
        202: { description: 'All are stored', body: backfillSchema },
      },
      errors: ERRORS,
      examples: {
        january: { from: '2026-01-01T00:00:00Z', to: '2026-01-02T00:00:00Z', dry_run: true },
      },
    }),
    scope('schedules:write'),
    limit('writes'),
    json(backfill),
    async (c) => {
      const asked = c.req.valid('json');
      const { scheduleCommands, now } = c.get('services');
      const from = Date.parse(asked.from);
      const to = asked.to === undefined ? now() : Date.parse(asked.to);
      const refuse = (code: string, message: string): never =>
        refuseFields([{ in: 'body', path: 'to', code, message }]);
      if (to < from) refuse('too_small', '`to` must not be before `from`');
      if (to > now() + MAX_SKEW_MS)
        refuse('in_the_future', '`to` must not be after now: a schedule runs those by itself');
      const range = { from, to: Math.min(to, now()), isDry: asked.dry_run };
      const moments = await orUnavailable(c, () =>
        scheduleCommands.backfill(c.get('owner'), c.req.param('id'), range, toEditor(c)),
      );
      const submitted = moments.filter(({ isNew }) => isNew).length;
      const answer = {
        submitted,
        existing: moments.length - submitted,
        moments: moments.map(({ moment, taskId }) => ({ at: toIso(moment), task_id: taskId })),
      };
      return c.json(answer, asked.dry_run ? 200 : 202);
    },
  );
