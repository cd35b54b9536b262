import { Hono } from 'hono';
import { viewOf } from '../../domain/view.ts';
import type { AppContext, AppEnv } from '../context.ts';
import { asking, taskId } from '../read-task.ts';
import { editBody } from '../schemas.ts';
import { jsonBody } from '../validate.ts';

/** Carries out a command and answers with the task; a body is neither needed nor read. */
const carryOut =
  (verb: 'cancel' | 'pause' | 'resume' | 'rerun') =>
  async (c: AppContext): Promise<Response> => {
    const id = taskId(c);
    const task = await asking(c, () => c.var.services.commands[verb](c.var.owner, id));
    c.var.log.info(`task_${verb}`, { task_id: id, task_name: task.type, owner: task.owner });
    return c.json(viewOf(task));
  };

/** What a person does to a task. */
export const commands = new Hono<AppEnv>()
  .post('/:id/cancel', carryOut('cancel'))
  .post('/:id/pause', carryOut('pause'))
  .post('/:id/resume', carryOut('resume'))
  .post('/:id/retry', carryOut('rerun'))

  .on(['PUT', 'PATCH'], '/:id', jsonBody(editBody), async (c) => {
    const id = taskId(c);
    const change = c.req.valid('json');
    return c.json(viewOf(await asking(c, () => c.var.services.commands.edit(c.var.owner, id, change))));
  })

  .delete('/:id', async (c) => {
    const id = taskId(c);
    await asking(c, () => c.var.services.commands.remove(c.var.owner, id));
    return c.body(null, 204);
  });
