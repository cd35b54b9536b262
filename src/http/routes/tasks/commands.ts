import { Hono } from 'hono';
import { assertTypeAllowed } from '../../../domain/api-key.ts';
import { toAllowedView } from '../../answer-task.ts';
import type { AppContext, AppEnv } from '../../context.ts';
import { docs } from '../../middleware/docs.ts';
import { limit } from '../../middleware/limit.ts';
import { allowRetry } from '../../allow-retry.ts';
import { scope } from '../../middleware/scope.ts';
import { json } from '../../middleware/validate.ts';
import { orUnavailable, readTaskId, TASK_ID } from '../../read-task.ts';
import { taskEdit } from './new-task-schema.ts';
import { taskSchema } from './task-schema.ts';

const COMMAND = {
  tag: 'Tasks',
  params: TASK_ID,
  answers: { 200: { description: 'The task', body: taskSchema } },
  errors: [
    'task_not_found',
    'task_finished',
    'task_running',
    'task_unfinished',
    'type_not_allowed',
    'too_many_unfinished',
    'rate_limited',
  ],
} as const;

/** Asks for a task that goes back alone; in a flow others may go back with it. */
const reserveRetry = async (c: AppContext, id: string): Promise<void> => {
  const { store } = c.get('services');
  const row = await orUnavailable(c, () => store.get(c.get('owner'), id));
  if (!row) return;
  assertTypeAllowed(c.get('identity').taskTypes, row.type);
  if (row.flow_id === null) await allowRetry(c)([row.type]);
};

/** Carries out a command and answers with the task; a body is neither needed nor read. */
const runCommand =
  (name: 'cancel' | 'pause' | 'resume' | 'retry') =>
  async (c: AppContext): Promise<Response> => {
    const id = readTaskId(c);
    if (name === 'retry') await reserveRetry(c, id);
    const { commands } = c.get('services');
    const row = await orUnavailable(c, () => commands[name](c.get('owner'), id, allowRetry(c)));
    const fields = { task_id: id, task_name: row.type, owner: row.owner };
    c.set('log', c.get('log').with(fields));
    return c.json(toAllowedView(c, row));
  };

/** Commands on one task. */
export const commandRoutes = new Hono<AppEnv>()
  .post(
    '/:id/cancel',
    docs({
      ...COMMAND,
      id: 'cancelTask',
      summary: 'Cancel a task; a running handler is aborted within seconds',
    }),
    scope('tasks:write'),
    limit('writes'),
    runCommand('cancel'),
  )
  .post(
    '/:id/pause',
    docs({ ...COMMAND, id: 'pauseTask', summary: 'Pause a task that waits' }),
    scope('tasks:write'),
    limit('writes'),
    runCommand('pause'),
  )
  .post(
    '/:id/resume',
    docs({ ...COMMAND, id: 'resumeTask', summary: 'Resume a paused task' }),
    scope('tasks:write'),
    limit('writes'),
    runCommand('resume'),
  )
  .post(
    '/:id/retry',
    docs({ ...COMMAND, id: 'retryTask', summary: 'Run a failed or cancelled task again' }),
    scope('tasks:write'),
    limit('writes'),
    runCommand('retry'),
  )
  .on(
    ['PUT', 'PATCH'],
    '/:id',
    docs({
      ...COMMAND,
      id: 'editTask',
      summary: 'Change title, description and, until it runs, priority',
      examples: { priority: { priority: 'HIGH' } },
    }),
    scope('tasks:write'),
    limit('writes'),
    json(taskEdit),
    async (c) => {
      const id = readTaskId(c);
      const change = c.req.valid('json');
      const { commands } = c.get('services');
      const row = await orUnavailable(c, () => commands.edit(c.get('owner'), id, change));
      return c.json(toAllowedView(c, row));
    },
  )
  .delete(
    '/:id',
    docs({
      ...COMMAND,
      id: 'deleteTask',
      summary: 'Delete a task that does not run',
      answers: { 204: { description: 'It is gone', body: null } },
    }),
    scope('tasks:write'),
    limit('writes'),
    async (c) => {
      const id = readTaskId(c);
      const { commands } = c.get('services');
      await orUnavailable(c, () => commands.remove(c.get('owner'), id));
      return c.body(null, 204);
    },
  );
