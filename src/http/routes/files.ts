import { Hono } from 'hono';
import * as z from 'zod';
import { AppError } from '../../domain/errors.ts';
import { refuseFields } from '../../domain/field-errors.ts';
import { FILE_NAME, MAX_FILE_BYTES } from '../../domain/file-name.ts';
import type { FileInfo } from '../../store/files.ts';
import type { AppContext, AppEnv } from '../context.ts';
import { digits, nextCursor, time, toIso, whole } from '../fields.ts';
import { docs } from '../middleware/docs.ts';
import { limit } from '../middleware/limit.ts';
import { scope } from '../middleware/scope.ts';
import { query } from '../middleware/validate.ts';
import { orUnavailable } from '../read-task.ts';

const fileSchema = z
  .strictObject({
    name: z.string(),
    bytes: whole,
    content_type: z.string().nullable(),
    etag: z.string(),
    uploaded_at: time,
  })
  .meta({ id: 'File' });
const fileListSchema = z.strictObject({
  pagination: z.strictObject({ page_size: whole, next_cursor: nextCursor }),
  files: z.array(fileSchema),
});

/** The cursor is the last name of the page before. */
const filesQuery = z.strictObject({
  page_size: digits(1, 1_000).default(100),
  cursor: z.string().regex(FILE_NAME, 'Use the next_cursor of the page before').optional(),
});

const DEFAULT_TYPE = 'application/octet-stream';
/** A media type, and nothing that could end a header line. */
const MEDIA_TYPE = /^[\w.+-]+\/[\w.+-]+(\s*;\s*[\w-]+=[\w.+"-]+)*$/;

const readFileName = (c: AppContext): string => {
  const name = c.req.param('name') ?? '';
  if (FILE_NAME.test(name)) return name;
  const message =
    'A file name has 1 to 200 letters, digits, ".", "_" and "-", and does not begin with "."';
  return refuseFields([{ in: 'path', path: 'name', code: 'invalid_name', message }]);
};

const refuseUnknownFile = (name: string): AppError =>
  new AppError('file_not_found', `There is no file "${name}"`);
const refuseLargeFile = (): AppError =>
  new AppError('body_too_large', `A file may have at most ${MAX_FILE_BYTES} bytes`);
const orNoStorage = <T>(c: AppContext, work: () => Promise<T>): Promise<T> =>
  orUnavailable(c, work, 'storage_unavailable');

const toFileView = ({ uploaded_at, ...info }: FileInfo) => ({
  ...info,
  uploaded_at: toIso(uploaded_at),
});

/** The media type of an upload, when it is one. */
const readContentType = (c: AppContext): string => {
  const given = c.req.header('Content-Type') ?? '';
  return MEDIA_TYPE.test(given) && given.length <= 200 ? given : DEFAULT_TYPE;
};

/** The body as it comes in; a caller who goes away in the middle is no fault of ours. */
const readUpload = async function* (
  body: ReadableStream<Uint8Array> | null,
): AsyncGenerator<Uint8Array> {
  try {
    yield* (body ?? []) as AsyncIterable<Uint8Array>;
  } catch {
    throw new AppError('upload_interrupted', 'The upload ended early; nothing was kept');
  }
};

/** Whether `If-None-Match` names this file. */
const isUnchanged = (c: AppContext, { etag }: FileInfo): boolean =>
  c.req
    .header('If-None-Match')
    ?.split(',')
    .some((tag) => [etag, '*'].includes(tag.trim().replace(/^W\//, ''))) ?? false;

const FILES = { tag: 'Files', isStatic: true, errors: ['storage_unavailable'] } as const;
const ONE = { ...FILES, errors: [...FILES.errors, 'file_not_found', 'invalid_request'] } as const;

/** Inputs and outputs of `file_processing`. */
export const fileRoutes = new Hono<AppEnv>()
  .get(
    '/',
    docs({
      ...FILES,
      id: 'listFiles',
      summary: 'List files by name',
      answers: { 200: { description: 'One page', body: fileListSchema } },
    }),
    scope('tasks:read'),
    query(filesQuery),
    async (c) => {
      const { page_size, cursor } = c.req.valid('query');
      const { files } = c.get('services');
      const page = await orNoStorage(c, () => files.list(c.get('owner'), page_size, cursor));
      const next_cursor = page.hasMore ? (page.files.at(-1)?.name ?? null) : null;
      return c.json({ pagination: { page_size, next_cursor }, files: page.files.map(toFileView) });
    },
  )

  .put(
    '/:name',
    docs({
      ...FILES,
      id: 'putFile',
      summary: 'Write or replace a file of up to 25 MB',
      answers: {
        200: { description: 'It was replaced', body: fileSchema },
        201: { description: 'It is new', body: fileSchema },
      },
      errors: [
        ...FILES.errors,
        'body_too_large',
        'invalid_request',
        'unsupported_media_type',
        'upload_interrupted',
      ],
      upload: DEFAULT_TYPE,
    }),
    scope('tasks:write'),
    limit('writes'),
    async (c) => {
      const name = readFileName(c);
      const owner = c.get('owner');
      if (Number(c.req.header('Content-Length') ?? 0) > MAX_FILE_BYTES) throw refuseLargeFile();
      const contentType = readContentType(c);
      const { files } = c.get('services');
      if ((c.req.header('Content-Encoding') ?? 'identity') !== 'identity') {
        const message = 'Send the file as it is, without a Content-Encoding';
        throw new AppError('unsupported_media_type', message);
      }
      const content = readUpload(c.req.raw.body);
      const isNew = (await orNoStorage(c, () => files.info(owner, name))) === null;
      const options = { contentType, maxBytes: MAX_FILE_BYTES };
      const saved = await orNoStorage(c, () => files.save(owner, name, content, options));
      c.get('log').info('file_saved', { owner, bytes: saved.bytes });
      return c.json(toFileView(saved), isNew ? 201 : 200, { Location: `/files/${name}` });
    },
  )

  .get(
    '/:name',
    docs({
      ...ONE,
      id: 'getFile',
      summary: 'Download a file',
      answers: {
        200: { description: 'Its content, as the type that it came with', body: '*/*' },
        304: { description: 'It is the one that `If-None-Match` names', body: null },
      },
      headers: { 'If-None-Match': 'The ETag of what you have' },
    }),
    scope('tasks:read'),
    async (c) => {
      const name = readFileName(c);
      const { files } = c.get('services');
      const found = await orNoStorage(c, () => files.open(c.get('owner'), name));
      if (!found) throw refuseUnknownFile(name);
      const { body, info } = found;
      if (isUnchanged(c, info)) {
        await body.cancel();
        return c.body(null, 304, { ETag: info.etag });
      }
      return c.body(body, 200, {
        'Content-Type': info.content_type ?? DEFAULT_TYPE,
        'Content-Length': String(info.bytes),
        ETag: info.etag,
        // Never shown in place: an uploaded file is not a page of this service.
        'Content-Disposition': `attachment; filename="${name}"`,
        'X-Content-Type-Options': 'nosniff',
      });
    },
  )

  .delete(
    '/:name',
    docs({
      ...ONE,
      id: 'deleteFile',
      summary: 'Delete a file',
      answers: { 204: { description: 'It is gone', body: null } },
    }),
    scope('tasks:write'),
    limit('writes'),
    async (c) => {
      const name = readFileName(c);
      const { files } = c.get('services');
      if (await orNoStorage(c, () => files.remove(c.get('owner'), name))) return c.body(null, 204);
      throw refuseUnknownFile(name);
    },
  );
