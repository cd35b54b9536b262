import { Hono } from 'hono';
import type * as z from 'zod';
import type { AuditAction } from '../../../domain/audit.ts';
import type { Schedule } from '../../../domain/schedule.ts';
import type { ScheduleFields } from '../../../engine/schedule-commands.ts';
import type { AppContext, AppEnv } from '../../context.ts';
import { docs } from '../../middleware/docs.ts';
import { limit } from '../../middleware/limit.ts';
import { scope } from '../../middleware/scope.ts';
import { json } from '../../middleware/validate.ts';
import { orUnavailable } from '../../read-task.ts';
import { recordAudit } from '../../record-audit.ts';
import { SCHEDULE_ID, toEditor } from './editor.ts';
import { scheduleChange, scheduleForm } from './schedule-schema.ts';
import { scheduleSchema, toScheduleView } from './schedule-view.ts';

/** What the table keeps of what was said; `undefined` was not said. */
const toFields = ({
  cron,
  every,
  catch_up_window_seconds: window,
  task,
  ...same
}: z.output<typeof scheduleChange>): Partial<ScheduleFields> => {
  const fields = {
    ...same,
    ...((cron ?? every) !== undefined && { cron: cron ?? null, every_ms: every ?? null }),
    catch_up_window_ms: window === undefined ? undefined : window * 1_000,
    task: task === undefined ? undefined : JSON.stringify(task),
  };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
};

const SCHEDULE = {
  tag: 'Schedules',
  params: SCHEDULE_ID,
  answers: { 200: { description: 'The schedule', body: scheduleSchema } },
} as const;
/** What its task may be refused with. */
const TASK_ERRORS = ['unknown_type', 'type_not_allowed', 'callbacks_not_configured'] as const;

/** Writes, notes it in the audit log, and answers with the schedule. */
const answerWritten = async (
  c: AppContext,
  action: AuditAction,
  write: (owner: string) => Promise<Schedule>,
): Promise<Schedule> => {
  const row = await orUnavailable(c, () => write(c.get('owner')));
  await recordAudit(c, action, row.owner, row.id);
  return row;
};

/** Writing schedules. */
export const scheduleWriteRoutes = new Hono<AppEnv>()
  .post(
    '/',
    docs({
      id: 'createSchedule',
      tag: 'Schedules',
      summary: 'Submit a task by itself, at each of the moments that a cron or an interval names',
      description:
        '`{{scheduled_for}}` in the title, the description, the tags and the parameters becomes the ' +
        'moment, in ISO 8601. A moment makes one task, whatever breaks.',
      answers: {
        201: {
          description: 'The schedule',
          body: scheduleSchema,
          headers: { Location: 'The schedule' },
        },
      },
      errors: [...TASK_ERRORS, 'schedule_name_taken', 'too_many_schedules'],
      examples: {
        nightly: {
          name: 'nightly-sum',
          cron: '30 2 * * *',
          timezone: 'Europe/Berlin',
          task: { type: 'sum', params: { a: 5, b: 3 }, title: 'Sum of {{scheduled_for}}' },
          overlap: 'skip',
        },
        interval: {
          name: 'each-quarter',
          every: { minutes: 15 },
          task: { type: 'sum', params: { a: 5, b: 3 } },
        },
      },
    }),
    scope('schedules:write'),
    limit('writes'),
    json(scheduleForm),
    async (c) => {
      const said = toFields(c.req.valid('json'));
      const fields = { cron: null, every_ms: null, ...said } as ScheduleFields;
      const { scheduleCommands } = c.get('services');
      const row = await answerWritten(c, 'schedule.created', (owner) =>
        scheduleCommands.create(owner, fields, toEditor(c)),
      );
      return c.json(toScheduleView(c, row), 201, { Location: `/schedules/${row.id}` });
    },
  )

  .patch(
    '/:id',
    docs({
      ...SCHEDULE,
      id: 'changeSchedule',
      summary: 'Change a schedule',
      description:
        'What is left out stays; `task` is replaced as a whole. A moment that is due already has its ' +
        'task first.',
      errors: [...TASK_ERRORS, 'schedule_not_found', 'schedule_name_taken', 'overloaded'],
      examples: { later: { cron: '30 3 * * *' } },
    }),
    scope('schedules:write'),
    limit('writes'),
    json(scheduleChange),
    async (c) => {
      const change = toFields(c.req.valid('json'));
      const { scheduleCommands } = c.get('services');
      const row = await answerWritten(c, 'schedule.changed', (owner) =>
        scheduleCommands.change(owner, c.req.param('id'), change, toEditor(c)),
      );
      return c.json(toScheduleView(c, row));
    },
  )

  .delete(
    '/:id',
    docs({
      id: 'deleteSchedule',
      tag: 'Schedules',
      summary: 'Delete a schedule; its tasks stay',
      params: SCHEDULE_ID,
      answers: { 204: { description: 'It is gone', body: null } },
      errors: ['schedule_not_found'],
    }),
    scope('schedules:write'),
    limit('writes'),
    async (c) => {
      const { scheduleCommands } = c.get('services');
      await answerWritten(c, 'schedule.deleted', (owner) =>
        scheduleCommands.remove(owner, c.req.param('id')),
      );
      return c.body(null, 204);
    },
  )

  .post(
    '/:id/pause',
    docs({
      ...SCHEDULE,
      id: 'pauseSchedule',
      summary: 'Let a schedule fire no more',
      description: 'Moments that pass meanwhile are not made up for.',
      errors: ['schedule_not_found', 'overloaded'],
    }),
    scope('schedules:write'),
    limit('writes'),
    async (c) => {
      const { scheduleCommands } = c.get('services');
      const row = await answerWritten(c, 'schedule.paused', (owner) =>
        scheduleCommands.pause(owner, c.req.param('id'), toEditor(c)),
      );
      return c.json(toScheduleView(c, row));
    },
  )

  .post(
    '/:id/resume',
    docs({
      ...SCHEDULE,
      id: 'resumeSchedule',
      summary: 'Let a schedule fire again, from its next moment on',
      errors: [...TASK_ERRORS, 'schedule_not_found', 'overloaded'],
    }),
    scope('schedules:write'),
    limit('writes'),
    async (c) => {
      const { scheduleCommands } = c.get('services');
      const row = await answerWritten(c, 'schedule.resumed', (owner) =>
        scheduleCommands.resume(owner, c.req.param('id'), toEditor(c)),
      );
      return c.json(toScheduleView(c, row));
    },
  );
