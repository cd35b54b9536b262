import { Hono } from 'hono';
import * as z from 'zod';
import { toDeliveryView } from '../../../domain/view.ts';
import type { AppContext, AppEnv } from '../../context.ts';
import { docs } from '../../middleware/docs.ts';
import { limit } from '../../middleware/limit.ts';
import { scope } from '../../middleware/scope.ts';
import { orUnavailable, readTask, readTaskId, TASK_ID } from '../../read-task.ts';
import { delivery } from './task-schema.ts';

/** A try that is sent now is looked at by the clock after this long. */
const LOOK_AFTER_MS = 5_000;

/** Makes what was not delivered of a task, or of a flow, due now; answers with all of it. */
export const retryDeliveries = async (c: AppContext, id: string): Promise<Response> => {
  const { deliveryStore, dispatcher, sendDeliveries, now } = c.get('services');
  const owner = c.get('owner');
  const at = now();
  // Before the write: what is due must not be forgotten.
  await orUnavailable(c, () => dispatcher.ensureAlarmBy(at + LOOK_AFTER_MS));
  await sendDeliveries(
    await orUnavailable(c, () => deliveryStore.reopen(owner, id, at, at + LOOK_AFTER_MS)),
  );
  const all = await orUnavailable(c, () => deliveryStore.listByTask(owner, id));
  return c.json({ deliveries: all.map(toDeliveryView) });
};

/** Callbacks of a task that did not arrive. */
export const deliveryRoutes = new Hono<AppEnv>().post(
  '/:id/deliveries/retry',
  docs({
    id: 'retryDeliveries',
    tag: 'Tasks',
    summary: 'Try at once to deliver what was not delivered',
    description:
      'Deliveries that were given up get one more try, those that wait for theirs have it now. ' +
      'What was delivered is not sent again.',
    params: TASK_ID,
    answers: {
      200: {
        description: 'All deliveries of the task',
        body: z.strictObject({ deliveries: z.array(delivery) }),
      },
    },
    errors: ['task_not_found'],
  }),
  scope('tasks:write'),
  limit('writes'),
  async (c) => retryDeliveries(c, (await readTask(c, readTaskId(c))).id),
);
