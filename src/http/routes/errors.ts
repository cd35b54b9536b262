import { Hono } from 'hono';
import * as z from 'zod';
import { namedFilters, toFilter } from '../../domain/filter-schema.ts';
import { createFailureStore, type FailureGroup } from '../../store/failures.ts';
import { createTaskSearch } from '../../store/search.ts';
import type { AppContext, AppEnv } from '../context.ts';
import { refuseFields } from '../../domain/field-errors.ts';
import { time, toIso, whole } from '../fields.ts';
import { docs } from '../middleware/docs.ts';
import { answerHead } from '../middleware/head.ts';
import { limit } from '../middleware/limit.ts';
import { scope } from '../middleware/scope.ts';
import { query } from '../middleware/validate.ts';
import { readHeavy } from '../read-heavy.ts';
import { orUnavailable } from '../read-task.ts';

const errorGroup = z
  .strictObject({
    fingerprint: z.string().meta({ description: 'The same for failures of one kind' }),
    type: z.string(),
    code: z.string().nullable(),
    message: z
      .string()
      .nullable()
      .meta({
        description:
          'What their messages have in common: `…` stands for numbers, ids and quoted parts, here ' +
          'and in the filter `error`',
      }),
    example: z.string().nullable().meta({ description: 'The message of the newest' }),
    tasks: whole,
    first_at: time,
    last_at: time,
    newest_task_id: z.uuid(),
    trend: z.array(whole).meta({ description: 'Failures over time, the newest last' }),
    muted: z.boolean().meta({ description: 'Muted, and not seen since' }),
  })
  .meta({ id: 'ErrorGroup' });
export const errorGroupsSchema = z.strictObject({ groups: z.array(errorGroup) });

const { type, tag, queue, priority, submitted_after, submitted_before } = namedFilters;
const errorFilters = z.strictObject({
  type,
  tag,
  queue,
  priority,
  submitted_after,
  submitted_before,
});

const toGroupView = ({ first_at, last_at, newest, ...group }: FailureGroup) => ({
  ...group,
  first_at: toIso(first_at),
  last_at: toIso(last_at),
  newest_task_id: newest,
});

const FINGERPRINT = /^[0-9a-f]{16}$/;
const readFingerprint = (c: AppContext): string => {
  const fingerprint = c.req.param('fingerprint') ?? '';
  if (FINGERPRINT.test(fingerprint)) return fingerprint;
  const message = 'Expected the fingerprint of a group, see GET /errors';
  return refuseFields([{ in: 'path', path: 'fingerprint', code: 'invalid', message }]);
};

const createStore = (db: D1Database) => createFailureStore(db, createTaskSearch(db));

const MUTE = {
  tag: 'Operations',
  answers: { 204: { description: 'Done', body: null } },
  errors: ['invalid_request'],
} as const;

/** `/errors`: what fails. */
export const errorRoutes = new Hono<AppEnv>()
  .get(
    '/errors',
    docs({
      id: 'listErrors',
      tag: 'Operations',
      summary: 'What fails: failed tasks grouped by type and message',
      description:
        'The 100 largest groups among the newest 2 000 failed tasks that the filters find. ' +
        '`POST /tasks/actions` with `type` and the `message` as `error` acts on a whole group.',
      answers: { 200: { description: 'The groups, the largest first', body: errorGroupsSchema } },
      errors: ['rate_limited'],
    }),
    scope('tasks:read'),
    query(errorFilters),
    answerHead(),
    async (c) => {
      const { useReplica, catalog, now } = c.get('services');
      const owner = c.get('owner');
      const written = { ...c.req.valid('query'), fields: [] };
      const filter = toFilter(written, (name) => catalog.find(owner, name)?.type ?? name);
      const { groups } = await readHeavy(c, { isSearch: true, rows: 0 }, async () => ({
        groups: await useReplica(createStore).findGroups(owner, filter, now()),
        bytes: 0,
      }));
      return c.json({ groups: groups.map(toGroupView) });
    },
  )

  .post(
    '/errors/:fingerprint/mute',
    docs({ ...MUTE, id: 'muteError', summary: 'Mute a group of errors until it happens again' }),
    scope('tasks:write'),
    limit('writes'),
    async (c) => {
      const { useStore, now } = c.get('services');
      const fingerprint = readFingerprint(c);
      await orUnavailable(c, () => useStore(createStore).mute(c.get('owner'), fingerprint, now()));
      return c.body(null, 204);
    },
  )

  .post(
    '/errors/:fingerprint/unmute',
    docs({ ...MUTE, id: 'unmuteError', summary: 'Show a muted group of errors again' }),
    scope('tasks:write'),
    limit('writes'),
    async (c) => {
      const { useStore } = c.get('services');
      const fingerprint = readFingerprint(c);
      await orUnavailable(c, () => useStore(createStore).unmute(c.get('owner'), fingerprint));
      return c.body(null, 204);
    },
  );
