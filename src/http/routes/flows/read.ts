import { Hono } from 'hono';
import * as z from 'zod';
import { singleText } from '../../../domain/filter-schema.ts';
import { toFlowAnswer, toFlowView } from '../../../domain/flow-view.ts';
import { FLOW_STATUSES } from '../../../domain/words.ts';
import type { AppEnv } from '../../context.ts';
import { digits, nextCursor, whole } from '../../fields.ts';
import { docs } from '../../middleware/docs.ts';
import { answerHead } from '../../middleware/head.ts';
import { scope } from '../../middleware/scope.ts';
import { noQuery, query } from '../../middleware/validate.ts';
import { orUnavailable } from '../../read-task.ts';
import { flowDetailSchema, flowSchema } from './flow-schema.ts';
import { FLOW_ID, readFlowId, refuseUnknownFlow } from './read-flow.ts';

const flowListSchema = z.strictObject({
  pagination: z.strictObject({ page_size: whole, next_cursor: nextCursor }),
  flows: z.array(flowSchema),
});

const upper = (value: unknown): unknown =>
  typeof value === 'string' ? value.toUpperCase() : value;

/** Reading flows. */
export const flowReadRoutes = new Hono<AppEnv>()
  .get(
    '/',
    docs({
      id: 'listFlows',
      tag: 'Flows',
      summary: 'List flows, newest first',
      answers: { 200: { description: 'One page', body: flowListSchema } },
    }),
    scope('tasks:read'),
    query(
      z.strictObject({
        page_size: digits(1, 100).default(20),
        cursor: z.uuid('Use the next_cursor of the page before').toLowerCase().optional(),
        status: z
          .preprocess(upper, z.enum(FLOW_STATUSES).optional())
          .meta({ type: 'string', enum: [...FLOW_STATUSES] }),
        name: singleText().min(1).max(200).optional(),
      }),
    ),
    answerHead(),
    async (c) => {
      const { page_size, cursor, status, name } = c.req.valid('query');
      const { flows } = c.get('services');
      const found = await orUnavailable(c, () =>
        flows.list(c.get('owner'), {
          limit: page_size + 1,
          ...(cursor !== undefined && { before: cursor }),
          ...(status !== undefined && { status }),
          ...(name !== undefined && { name }),
        }),
      );
      const page = found.slice(0, page_size);
      const next_cursor = found.length > page.length ? (page.at(-1)?.id ?? null) : null;
      return c.json({ pagination: { page_size, next_cursor }, flows: page.map(toFlowView) });
    },
  )

  .get(
    '/:id',
    docs({
      id: 'getFlow',
      tag: 'Flows',
      summary: 'A flow with its tasks',
      params: FLOW_ID,
      answers: { 200: { description: 'The flow', body: flowDetailSchema } },
      errors: ['flow_not_found'],
    }),
    scope('tasks:read'),
    noQuery(),
    answerHead(),
    async (c) => {
      const id = readFlowId(c);
      const { flows, deliveryStore } = c.get('services');
      const owner = c.get('owner');
      const rows = await orUnavailable(c, () => flows.read(owner, id));
      if (!rows) throw refuseUnknownFlow(id);
      const deliveries =
        rows.flow.callback_url === null
          ? []
          : await orUnavailable(c, () => deliveryStore.listByTask(owner, id));
      return c.json(toFlowAnswer(rows, deliveries));
    },
  );
