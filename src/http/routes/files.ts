import { Hono } from 'hono';
import { AppError } from '../../domain/errors.ts';
import { refuseFields } from '../../domain/field-errors.ts';
import { FILE_NAME, MAX_FILE_BYTES } from '../../domain/file-name.ts';
import type { FileInfo } from '../../store/files.ts';
import type { AppContext, AppEnv } from '../context.ts';
import { toIso } from '../fields.ts';
import { CONDITIONS, DEFAULT_TYPE, readContentType, toFileHeaders } from '../file-headers.ts';
import { docs } from '../middleware/docs.ts';
import { answerHead } from '../middleware/head.ts';
import { limit } from '../middleware/limit.ts';
import { scope } from '../middleware/scope.ts';
import { query } from '../middleware/validate.ts';
import { fileListSchema, fileSchema, filesQuery } from './file-schema.ts';
import { checkPreconditions } from '../preconditions.ts';
import { orUnavailable } from '../read-task.ts';

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

const FILES = { tag: 'Files', isStatic: true, errors: ['storage_unavailable'] } as const;
const ONE = {
  ...FILES,
  errors: [...FILES.errors, 'file_not_found', 'invalid_request', 'precondition_failed'],
} as const;

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
    answerHead(),
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
        'overloaded',
        'invalid_request',
        'precondition_failed',
        'range_not_allowed',
        'unsupported_media_type',
        'upload_interrupted',
      ],
      headers: CONDITIONS,
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
      // A part of a file would take the place of the whole (RFC 9110, section 14.4).
      if (c.req.header('Content-Range') !== undefined) {
        const message = 'Send the whole file: a part of one, with a Content-Range, is not taken';
        throw new AppError('range_not_allowed', message);
      }
      const before = await orNoStorage(c, () => files.info(owner, name));
      checkPreconditions(c, before);
      const content = readUpload(c.req.raw.body);
      const options = {
        contentType,
        maxBytes: MAX_FILE_BYTES,
        onlyIf: c.req.header('If-None-Match') || c.req.header('If-Match') ? before : undefined,
      };
      const saved = await orNoStorage(c, () => files.save(owner, name, content, options));
      if (!saved) {
        const message = 'The file was written by somebody else meanwhile';
        throw new AppError('precondition_failed', message);
      }
      c.get('log').info('file_saved', { owner, bytes: saved.bytes });
      return c.json(toFileView(saved), before ? 200 : 201, { Location: `/files/${name}` });
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
      headers: CONDITIONS,
    }),
    scope('tasks:read'),
    async (c) => {
      const name = readFileName(c);
      const owner = c.get('owner');
      const { files } = c.get('services');
      const info = await orNoStorage(c, () => files.info(owner, name));
      if (!info) throw refuseUnknownFile(name);
      if (checkPreconditions(c, info) === 'unchanged')
        return c.body(null, 304, { ETag: info.etag });
      if (c.req.method === 'HEAD') return c.body(null, 200, toFileHeaders(info));
      const found = await orNoStorage(c, () => files.open(owner, name));
      if (!found) throw refuseUnknownFile(name);
      return c.body(found.body, 200, toFileHeaders(found.info));
    },
  )

  .delete(
    '/:name',
    docs({
      ...ONE,
      id: 'deleteFile',
      summary: 'Delete a file',
      answers: { 204: { description: 'It is gone', body: null } },
      headers: CONDITIONS,
    }),
    scope('tasks:write'),
    limit('writes'),
    async (c) => {
      const name = readFileName(c);
      const owner = c.get('owner');
      const { files } = c.get('services');
      const info = await orNoStorage(c, () => files.info(owner, name));
      if (!info) throw refuseUnknownFile(name);
      checkPreconditions(c, info);
      await orNoStorage(c, () => files.remove(owner, name));
      return c.body(null, 204);
    },
  );
