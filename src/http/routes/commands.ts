import { Hono } from 'hono';
import { AppError } from '../../domain/errors.ts';
import { toTaskView } from '../../domain/view.ts';
import { findHandler } from '../../handlers/catalog.ts';
import type { AppContext, AppEnv } from '../context.ts';
import { describe, type Operation } from '../openapi/operation.ts';
import { limitRate } from '../rate-limit.ts';
import { asking, taskId } from '../read-task.ts';
import { task } from '../responses.ts';
import { editBody } from '../schemas.ts';
import { jsonBody } from '../validate.ts';

/** Carries out a command and answers with the task; a body is neither needed nor read. */
const carryOut =
  (verb: 'cancel' | 'pause' | 'resume' | 'retry') =>
  async (c: AppContext): Promise<Response> => {
    const id = taskId(c);
    if (verb === 'retry') await asSubmit(c, id);
    const row = await asking(c, () => c.get('services').commands[verb](c.get('owner'), id));
    c.set('log', c.get('log').with({ task_id: id, task_name: row.type, owner: row.owner }));
    return c.json(toTaskView(row));
  };

const REFUSALS = [
  'task_finished',
  'task_running',
  'task_unfinished',
  'too_many_unfinished',
  'rate_limited',
] as const;
const commandOf = (id: string, summary: string): Operation => ({
  id,
  access: 'tasks:write',
  tag: 'Tasks',
  summary,
  answers: { 200: { description: 'The task', body: task } },
  errors: REFUSALS,
});
const command = (id: string, summary: string) => describe(commandOf(id, summary));

/** A retry is a run like a submit's: it counts as one, for what it costs and for what its owner may have. */
const asSubmit = async (c: AppContext, id: string): Promise<void> => {
  const { store, dispatcher } = c.get('services');
  const row = await asking(c, () => store.get(c.get('owner'), id));
  if (row && findHandler(row.type)?.isMetered) await limitRate(c, 'metered');
  if (row && !(await asking(c, () => dispatcher.tryReserve(c.get('owner')))))
    throw new AppError(
      'too_many_unfinished',
      'Too many tasks of this owner are waiting or running; let some end first',
    );
};

/** What a person does to a task. */
export const commands = new Hono<AppEnv>()
  .post(
    '/:id/cancel',
    command('cancelTask', 'Cancel a task; a running handler is aborted within about 2 s'),
    carryOut('cancel'),
  )
  .post('/:id/pause', command('pauseTask', 'Pause a task that waits'), carryOut('pause'))
  .post('/:id/resume', command('resumeTask', 'Resume a paused task'), carryOut('resume'))
  .post(
    '/:id/retry',
    command('retryTask', 'Run a failed or cancelled task again'),
    carryOut('retry'),
  )

  .on(
    ['PUT', 'PATCH'],
    '/:id',
    describe({
      ...commandOf('editTask', 'Change title, description and, until it runs, priority'),
      examples: { priority: { priority: 'HIGH' } },
    }),
    jsonBody(editBody),
    async (c) => {
      const id = taskId(c);
      const change = c.req.valid('json');
      return c.json(
        toTaskView(
          await asking(c, () => c.get('services').commands.edit(c.get('owner'), id, change)),
        ),
      );
    },
  )

  .delete(
    '/:id',
    describe({
      id: 'deleteTask',
      access: 'tasks:write',
      tag: 'Tasks',
      summary: 'Delete a task that does not run',
      answers: { 204: { description: 'It is gone', body: null } },
      errors: REFUSALS,
    }),
    async (c) => {
      const id = taskId(c);
      await asking(c, () => c.get('services').commands.remove(c.get('owner'), id));
      return c.body(null, 204);
    },
  );
