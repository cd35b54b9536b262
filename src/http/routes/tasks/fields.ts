import { Hono } from 'hono';
import * as z from 'zod';
import { findFieldPaths } from '../../../domain/field-paths.ts';
import { namedFilters } from '../../../domain/filter-schema.ts';
import { createSampleStore } from '../../../store/samples.ts';
import type { AppEnv } from '../../context.ts';
import { whole } from '../../fields.ts';
import { docs } from '../../middleware/docs.ts';
import { answerHead } from '../../middleware/head.ts';
import { scope } from '../../middleware/scope.ts';
import { query } from '../../middleware/validate.ts';
import { readHeavy } from '../../read-heavy.ts';

const fieldListSchema = z.strictObject({
  fields: z.array(
    z
      .strictObject({
        path: z.string().meta({ description: 'A filter of lists: `params.city`' }),
        tasks: whole,
        example: z.string(),
      })
      .meta({ id: 'Field' }),
  ),
});

/** What lists can be filtered by, as the newest tasks show it. */
export const fieldRoutes = new Hono<AppEnv>().get(
  '/fields',
  docs({
    id: 'listFields',
    tag: 'Tasks',
    summary: 'Paths in parameters and results that lists can be filtered by',
    description: 'As the newest 1 000 tasks have them, large ones left out.',
    answers: { 200: { description: 'The most frequent first', body: fieldListSchema } },
    errors: ['rate_limited'],
  }),
  scope('tasks:read'),
  query(z.strictObject({ type: namedFilters.type })),
  answerHead(),
  async (c) => {
    const { useReplica, catalog } = c.get('services');
    const owner = c.get('owner');
    const types = c.req.valid('query').type?.map((name) => catalog.find(owner, name)?.type ?? name);
    const { tasks } = await readHeavy(c, { isSearch: true, rows: 0 }, () =>
      useReplica(createSampleStore).read(owner, types),
    );
    return c.json({ fields: findFieldPaths(tasks) });
  },
);
