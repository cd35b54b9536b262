import { Hono } from 'hono';
import * as z from 'zod';
import { hasScope } from '../../../domain/api-key.ts';
import { toFlowView } from '../../../domain/flow-view.ts';
import type { Flow } from '../../../domain/flow.ts';
import type { FlowCommands } from '../../../engine/flow-commands.ts';
import { allowRetry } from '../../allow-retry.ts';
import type { AppContext, AppEnv } from '../../context.ts';
import { docs, type RouteDocs } from '../../middleware/docs.ts';
import { limit } from '../../middleware/limit.ts';
import { scope } from '../../middleware/scope.ts';
import { orUnavailable } from '../../read-task.ts';
import { retryDeliveries } from '../tasks/deliveries.ts';
import { delivery } from '../tasks/task-schema.ts';
import { flowSchema } from './flow-schema.ts';
import { FLOW_ID, readFlowId } from './read-flow.ts';

/** Does it, and answers with how the flow stands; a key without `tasks:read` is not told its words. */
const runCommand = async (
  c: AppContext,
  command: (commands: FlowCommands, owner: string, id: string) => Promise<Flow>,
): Promise<Response> => {
  const id = readFlowId(c);
  const { flowCommands } = c.get('services');
  const flow = await orUnavailable(c, () => command(flowCommands, c.get('owner'), id));
  const view = toFlowView(flow);
  const isReader = hasScope(c.get('identity').scopes, 'tasks:read');
  return c.json(isReader ? view : { ...view, name: null, callback_url: null });
};

const ONE = {
  tag: 'Flows',
  params: FLOW_ID,
  answers: { 200: { description: 'How it stands', body: flowSchema } },
} as const satisfies Partial<RouteDocs>;

/** Commands on flows as a whole. */
export const flowCommandRoutes = new Hono<AppEnv>()
  .post(
    '/:id/cancel',
    docs({
      ...ONE,
      id: 'cancelFlow',
      summary: 'Cancel all of a flow that has not ended',
      description: 'Repeated, it changes nothing. A running handler is aborted.',
      errors: ['flow_not_found', 'flow_finished'],
    }),
    scope('tasks:write'),
    limit('writes'),
    (c) => runCommand(c, (commands, owner, id) => commands.cancel(owner, id)),
  )
  .post(
    '/:id/retry',
    docs({
      ...ONE,
      id: 'retryFlow',
      summary: 'Run again what failed, and go on from there',
      description:
        'All that failed or was cancelled goes back, and so does what was cancelled because of it. What has ' +
        'completed stays. To go on from one task alone, retry that task.',
      errors: [
        'flow_not_found',
        'flow_finished',
        'flow_unfinished',
        'type_not_allowed',
        'too_many_unfinished',
        'overloaded',
      ],
    }),
    scope('tasks:write'),
    limit('writes'),
    (c) => runCommand(c, (commands, owner, id) => commands.retry(owner, id, allowRetry(c))),
  )
  .post(
    '/:id/deliveries/retry',
    docs({
      id: 'retryFlowDeliveries',
      tag: 'Flows',
      summary: 'Try at once to deliver what was not delivered',
      params: FLOW_ID,
      answers: {
        200: {
          description: 'All deliveries of the flow',
          body: z.strictObject({ deliveries: z.array(delivery) }),
        },
      },
      errors: ['flow_not_found'],
    }),
    scope('tasks:write'),
    limit('writes'),
    async (c) => {
      const id = readFlowId(c);
      await orUnavailable(c, () => c.get('services').flowCommands.get(c.get('owner'), id));
      return retryDeliveries(c, id);
    },
  )
  .delete(
    '/:id',
    docs({
      id: 'deleteFlow',
      tag: 'Flows',
      summary: 'Delete a flow that has ended, with all of its tasks',
      params: FLOW_ID,
      answers: { 204: { description: 'It is deleted', body: null } },
      errors: ['flow_not_found', 'flow_unfinished'],
    }),
    scope('tasks:write'),
    limit('writes'),
    async (c) => {
      const id = readFlowId(c);
      await orUnavailable(c, () => c.get('services').flowCommands.remove(c.get('owner'), id));
      return c.body(null, 204);
    },
  );
