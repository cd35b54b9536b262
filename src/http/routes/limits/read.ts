import { Hono } from 'hono';
import * as z from 'zod';
import { singleText } from '../../../domain/filter-schema.ts';
import { createLimitReads } from '../../../store/limit-reads.ts';
import type { AppEnv } from '../../context.ts';
import { digits, nextCursor, whole } from '../../fields.ts';
import { docs } from '../../middleware/docs.ts';
import { answerHead } from '../../middleware/head.ts';
import { scope } from '../../middleware/scope.ts';
import { noQuery, query } from '../../middleware/validate.ts';
import { orUnavailable } from '../../read-task.ts';
import { answerLimit, ONE } from './answer-limit.ts';
import { limitSchema, toLimitView } from './limit-view.ts';

const limitListSchema = z.strictObject({
  pagination: z.strictObject({ page_size: whole, next_cursor: nextCursor }),
  limits: z.array(limitSchema),
});

/** Reading limits. */
export const limitReadRoutes = new Hono<AppEnv>()
  .get(
    '/',
    docs({
      id: 'listLimits',
      tag: 'Limits',
      summary: 'List limits, by key',
      answers: { 200: { description: 'One page', body: limitListSchema } },
    }),
    scope('tasks:read'),
    query(
      z.strictObject({
        page_size: digits(1, 100).default(50),
        cursor: singleText().max(100).optional(),
      }),
    ),
    answerHead(),
    async (c) => {
      const { page_size, cursor = '' } = c.req.valid('query');
      const { useStore, now } = c.get('services');
      const found = await orUnavailable(c, () =>
        useStore(createLimitReads).list(c.get('owner'), cursor, page_size + 1, now()),
      );
      const page = found.slice(0, page_size);
      const next_cursor = found.length > page.length ? (page.at(-1)?.key ?? null) : null;
      return c.json({
        pagination: { page_size, next_cursor },
        limits: page.map((row) => toLimitView(row, now())),
      });
    },
  )

  .get(
    '/:key',
    docs({
      ...ONE,
      id: 'getLimit',
      summary: 'How a limit stands, and whose tasks wait',
      errors: ['limit_not_found'],
    }),
    scope('tasks:read'),
    noQuery(),
    answerHead(),
    (c) => answerLimit(c, c.req.param('key')),
  );
