import { Hono } from 'hono';
import { parseTraceparent } from '../../../domain/traceparent.ts';
import type { AppEnv } from '../../context.ts';
import { docs } from '../../middleware/docs.ts';
import { consumeRate, limit } from '../../middleware/limit.ts';
import { scope } from '../../middleware/scope.ts';
import { json } from '../../middleware/validate.ts';
import { MAX_BULK_BYTES } from '../../read-body.ts';
import { orUnavailable } from '../../read-task.ts';
import { readIdempotencyKey, SUBMIT_ERRORS } from '../../submit-tasks.ts';
import { flowExamples } from './examples.ts';
import { acceptedFlowSchema, flowForm, newFlow } from './flow-schema.ts';

/** Submitting flows. */
export const flowSubmitRoutes = new Hono<AppEnv>().post(
  '/',
  docs({
    id: 'submitFlow',
    tag: 'Flows',
    summary: 'Submit tasks that wait for each other',
    description:
      'Each task is one like others, and may wait for others by `after`. `{ "$from": "task.result.path" }` in ' +
      'its parameters becomes that value, and makes it wait; `{ "$literal": … }` is what it says. A flow has ' +
      '1 000 tasks at most.',
    answers: {
      202: {
        description: 'It is stored, and will run',
        body: acceptedFlowSchema,
        headers: { Location: 'The flow', 'Idempotent-Replayed': '`true`: it was submitted before' },
      },
    },
    errors: SUBMIT_ERRORS,
    headers: {
      'Idempotency-Key': 'The same key and body give the same flow, however often they are sent',
    },
    examples: flowExamples,
  }),
  scope('tasks:write'),
  limit('writes'),
  json(newFlow, { maxBytes: MAX_BULK_BYTES, forms: [flowForm] }),
  async (c) => {
    const { flowSubmission, flows } = c.get('services');
    const identity = c.get('identity');
    const { flow, tasks, replayed } = await flowSubmission.submit({
      request: c.req.valid('json'),
      caller: {
        owner: c.get('owner'),
        requestId: c.get('requestId'),
        ownHost: new URL(c.req.url).hostname,
        taskTypes: identity.taskTypes,
        keyId: identity.keyId,
        traceparent: parseTraceparent(c.req.header('traceparent')),
        fields: { type: 'type', params: 'params' },
      },
      idempotencyKey: readIdempotencyKey(c),
      consumeMetered: (runs) => consumeRate(c, 'metered', runs),
    });
    c.set('log', c.get('log').with({ flow_id: flow.id, tasks: tasks.length, owner: flow.owner }));
    if (replayed) c.header('Idempotent-Replayed', 'true');
    const nodes = replayed
      ? ((await orUnavailable(c, () => flows.read(flow.owner, flow.id)))?.nodes ?? [])
      : tasks;
    const { id: flow_id, name, status } = flow;
    const answer = nodes.map(({ id, node, ...task }) => ({
      node: String(node),
      task_id: id,
      status: task.status,
    }));
    return c.json({ flow_id, name, status, nodes: answer }, 202, { Location: `/flows/${flow_id}` });
  },
);
