import { Hono } from 'hono';
import * as z from 'zod';
import type { FailureGroup } from '../../store/counts.ts';
import type { AppEnv } from '../context.ts';
import { time, toIso, whole } from '../fields.ts';
import { docs } from '../middleware/docs.ts';
import { answerHead } from '../middleware/head.ts';
import { scope } from '../middleware/scope.ts';
import { noQuery } from '../middleware/validate.ts';
import { createCounts } from '../../store/counts.ts';
import { orUnavailable } from '../read-task.ts';

const errorGroup = z
  .strictObject({
    type: z.string(),
    code: z.string().nullable(),
    message: z.string().nullable(),
    tasks: whole,
    first_at: time,
    last_at: time,
    newest_task_id: z.uuid(),
  })
  .meta({ id: 'ErrorGroup' });
export const errorGroupsSchema = z.strictObject({ groups: z.array(errorGroup) });

const toGroupView = ({ first_at, last_at, newest, ...group }: FailureGroup) => ({
  ...group,
  first_at: toIso(first_at),
  last_at: toIso(last_at),
  newest_task_id: newest,
});

/** `/errors`: what fails. */
export const errorRoutes = new Hono<AppEnv>().get(
  '/errors',
  docs({
    id: 'listErrors',
    tag: 'Operations',
    summary: 'What fails: failed tasks grouped by type and message',
    description:
      'The 100 largest groups among the newest 2 000 failed tasks. `POST /tasks/actions` with ' +
      '`type` and `error` acts on a whole group.',
    answers: { 200: { description: 'The groups, the largest first', body: errorGroupsSchema } },
  }),
  scope('tasks:read'),
  noQuery(),
  answerHead(),
  async (c) => {
    const counts = c.get('services').useReplica(createCounts);
    const groups = await orUnavailable(c, () => counts.findFailures(c.get('owner')));
    return c.json({ groups: groups.map(toGroupView) });
  },
);
