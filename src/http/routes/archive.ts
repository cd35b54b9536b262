import { Hono } from 'hono';
import * as z from 'zod';
import { AppError } from '../../domain/errors.ts';
import type { AppEnv } from '../context.ts';
import { digits, nextCursor, time, toIso, whole } from '../fields.ts';
import { docs } from '../middleware/docs.ts';
import { answerHead } from '../middleware/head.ts';
import { scope } from '../middleware/scope.ts';
import { query } from '../middleware/validate.ts';
import { orUnavailable } from '../read-task.ts';

const LINES = 'application/x-ndjson';
const DAY = /^\d{4}-\d{2}-\d{2}$/;
const PATH = /^\d{4}-\d{2}-\d{2}\/[\w-]+\.ndjson$/;

const archiveQuery = z.strictObject({
  day: z
    .string()
    .regex(DAY, 'Expected a day such as 2026-11-26')
    .optional()
    .meta({ description: 'Tasks that ended on this day, in UTC' }),
  page_size: digits(1, 1_000).default(100),
  cursor: z.string().regex(PATH, 'Use the next_cursor of the page before').optional(),
});
const archiveList = z.strictObject({
  pagination: z.strictObject({ page_size: whole, next_cursor: nextCursor }),
  files: z.array(
    z
      .strictObject({
        path: z.string().meta({ description: '`<day>/<name>`: GET /archive/<day>/<name>' }),
        bytes: whole,
        archived_at: time,
      })
      .meta({ id: 'ArchiveFile' }),
  ),
});

const ARCHIVE = { tag: 'Tasks', isStatic: true } as const;

/** What was pruned, where ARCHIVE is true. */
export const archiveRoutes = new Hono<AppEnv>()
  .get(
    '/',
    docs({
      ...ARCHIVE,
      id: 'listArchive',
      summary: 'List the files that pruned tasks were written to, by day',
      description: 'Where ARCHIVE is true. Their lines are those of an export.',
      answers: { 200: { description: 'One page', body: archiveList } },
      errors: ['storage_unavailable'],
    }),
    scope('tasks:read'),
    query(archiveQuery),
    answerHead(),
    async (c) => {
      const { page_size, cursor, day } = c.req.valid('query');
      const { archive } = c.get('services');
      const list = () => archive.list(c.get('owner'), page_size, { after: cursor, day });
      const { files, hasMore } = await orUnavailable(c, list, 'storage_unavailable');
      const next_cursor = hasMore ? (files.at(-1)?.path ?? null) : null;
      return c.json({
        pagination: { page_size, next_cursor },
        files: files.map((file) => ({ ...file, archived_at: toIso(file.archived_at) })),
      });
    },
  )
  .get(
    '/:day/:name',
    docs({
      ...ARCHIVE,
      id: 'getArchiveFile',
      summary: 'Download a file of the archive',
      params: {
        day: { description: 'A day' },
        name: { description: 'A name, as the list has it' },
      },
      answers: { 200: { description: 'Lines of JSON', body: LINES } },
      errors: ['storage_unavailable', 'file_not_found'],
    }),
    scope('tasks:read'),
    async (c) => {
      const { archive } = c.get('services');
      const path = `${c.req.param('day')}/${c.req.param('name')}`;
      const open = () => archive.open(c.get('owner'), path);
      const found = PATH.test(path) ? await orUnavailable(c, open, 'storage_unavailable') : null;
      if (!found)
        throw new AppError('file_not_found', `The archive has no file "${path.slice(0, 200)}"`);
      const headers = { 'Content-Type': LINES, 'Content-Length': String(found.bytes) };
      return c.body(found.body, 200, headers);
    },
  );
