import { Hono } from 'hono';
import * as z from 'zod';
import { toLogLineView } from '../../../domain/frames.ts';
import { formatLogLine, LOG_LEVELS } from '../../../domain/run-log.ts';
import type { AppEnv } from '../../context.ts';
import { time, whole } from '../../fields.ts';
import { docs } from '../../middleware/docs.ts';
import { scope } from '../../middleware/scope.ts';
import { query } from '../../middleware/validate.ts';
import { orUnavailable, readTask, readTaskId, TASK_ID } from '../../read-task.ts';

const logsQuery = z.strictObject({
  attempt: z.coerce.number().int().min(1).optional().meta({
    description: 'Of which attempt; of the newest that wrote something unless given',
  }),
  format: z
    .enum(['json', 'text'])
    .default('json')
    .meta({ description: '`text`: a line for each, as `text/plain`' }),
});

const taskLogs = z
  .strictObject({
    task_id: z.uuid(),
    attempt: whole.nullable().meta({ description: 'null: no attempt wrote anything' }),
    lines: z.array(
      z.strictObject({
        at: time,
        level: z.enum(LOG_LEVELS),
        message: z.string(),
        fields: z.record(z.string(), z.unknown()).nullable(),
      }),
    ),
    cut: whole.meta({
      description: 'Lines that were not kept: an attempt keeps 1 000 lines and 64 KB, the oldest',
    }),
    attempts: z
      .array(z.strictObject({ attempt: whole, lines: whole }))
      .meta({ description: 'The attempts that wrote something' }),
  })
  .meta({ id: 'TaskLogs' });

/** What the runs of a task wrote down. */
export const logRoutes = new Hono<AppEnv>().get(
  '/:id/logs',
  docs({
    id: 'readTaskLogs',
    tag: 'Tasks',
    summary: 'Read what a run of the task wrote down',
    description:
      'Stored every 30 seconds while it runs, and at its end before that is known; the stream of the ' +
      'task has lines as they come, as frames `log`.',
    params: TASK_ID,
    answers: { 200: { description: 'The log of one attempt', body: taskLogs } },
    errors: ['task_not_found'],
  }),
  scope('tasks:read'),
  query(logsQuery),
  async (c) => {
    const { attempt: wanted = null, format } = c.req.valid('query');
    const { runLogs } = c.get('services');
    const task = await readTask(c, readTaskId(c));
    const { parts, attempts } = await orUnavailable(c, () => runLogs.read(task, wanted));
    const lines = parts.flatMap((part) => part.lines);
    const cut = parts.reduce((sum, part) => sum + part.cut, 0);
    if (format === 'text') {
      const end = cut > 0 ? [`… ${cut} more lines were not kept`] : [];
      return c.text([...lines.map(formatLogLine), ...end, ''].join('\n'));
    }
    return c.json({
      task_id: task.id,
      attempt: parts[0]?.attempt ?? wanted,
      lines: lines.map(toLogLineView),
      cut,
      attempts: attempts.map(({ attempt, count }) => ({ attempt, lines: count })),
    });
  },
);
