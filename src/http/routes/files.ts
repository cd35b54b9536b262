import { Hono } from 'hono';
import { AppError } from '../../domain/errors.ts';
import { FILE_NAME, MAX_FILE_BYTES } from '../../domain/file-name.ts';
import type { FileInfo } from '../../store/files.ts';
import type { AppContext, AppEnv } from '../context.ts';
import { describe } from '../openapi/operation.ts';
import * as answers from '../responses.ts';
import { asking } from '../read-task.ts';
import { filesQuery } from '../schemas.ts';
import { query, refuse } from '../validate.ts';

const DEFAULT_TYPE = 'application/octet-stream';
/** A media type, and nothing that could end a header line. */
const MEDIA_TYPE = /^[\w.+-]+\/[\w.+-]+(\s*;\s*[\w-]+=[\w.+"-]+)*$/;

const fileName = (c: AppContext): string => {
  const name = c.req.param('name') ?? '';
  if (FILE_NAME.test(name)) return name;
  const message =
    'A file name has 1 to 200 letters, digits, ".", "_" and "-", and does not begin with "."';
  return refuse([{ in: 'path', path: 'name', code: 'invalid_name', message }]);
};

const fileNotFound = (name: string): AppError =>
  new AppError('file_not_found', `There is no file "${name}"`);
const tooLarge = (): AppError =>
  new AppError('body_too_large', `A file may have at most ${MAX_FILE_BYTES} bytes`);
const asked = <T>(c: AppContext, work: () => Promise<T>): Promise<T> =>
  asking(c, work, 'storage_unavailable');

const viewOf = ({ uploaded_at, ...info }: FileInfo) => ({
  ...info,
  uploaded_at: new Date(uploaded_at).toISOString(),
});

const FILES = { isStatic: true, errors: ['storage_unavailable'] } as const;

/** The body as it comes in; a caller who goes away in the middle is no fault of ours. */
const received = async function* (
  body: ReadableStream<Uint8Array> | null,
): AsyncGenerator<Uint8Array> {
  try {
    yield* (body ?? []) as AsyncIterable<Uint8Array>;
  } catch {
    throw new AppError('upload_interrupted', 'The upload ended early; nothing was kept');
  }
};

/** Inputs and outputs of `file_processing`. */
export const files = new Hono<AppEnv>()
  .get(
    '/',
    describe({
      id: 'listFiles',
      access: 'tasks:read',
      tag: 'Files',
      summary: 'List files by name',
      answers: { 200: { description: 'One page', body: answers.fileList } },
      ...FILES,
    }),
    query(filesQuery),
    async (c) => {
      const { page_size, cursor } = c.req.valid('query');
      const page = await asked(c, () =>
        c.get('services').files.list(c.get('owner'), page_size, cursor),
      );
      const next_cursor = page.hasMore ? (page.files.at(-1)?.name ?? null) : null;
      return c.json({ pagination: { page_size, next_cursor }, files: page.files.map(viewOf) });
    },
  )

  .put(
    '/:name',
    describe({
      id: 'putFile',
      access: 'tasks:write',
      tag: 'Files',
      summary: 'Write or replace a file of up to 25 MB',
      answers: {
        200: { description: 'It was replaced', body: answers.file },
        201: { description: 'It is new', body: answers.file },
      },
      ...FILES,
      errors: [
        ...FILES.errors,
        'body_too_large',
        'invalid_request',
        'unsupported_media_type',
        'upload_interrupted',
      ],
      upload: DEFAULT_TYPE,
    }),
    async (c) => {
      const name = fileName(c);
      if (Number(c.req.header('Content-Length') ?? 0) > MAX_FILE_BYTES) throw tooLarge();
      const given = c.req.header('Content-Type') ?? '';
      const contentType = MEDIA_TYPE.test(given) && given.length <= 200 ? given : DEFAULT_TYPE;
      const { files: store } = c.get('services');
      if ((c.req.header('Content-Encoding') ?? 'identity') !== 'identity')
        throw new AppError(
          'unsupported_media_type',
          'Send the file as it is, without a Content-Encoding',
        );
      const content = received(c.req.raw.body);
      const isNew = (await asked(c, () => store.info(c.get('owner'), name))) === null;
      const saved = await asked(c, () =>
        store.save(c.get('owner'), name, content, { contentType, maxBytes: MAX_FILE_BYTES }),
      );
      c.get('log').info('file_saved', { owner: c.get('owner'), bytes: saved.bytes });
      return c.json(viewOf(saved), isNew ? 201 : 200, { Location: `/files/${name}` });
    },
  )

  .get(
    '/:name',
    describe({
      id: 'getFile',
      access: 'tasks:read',
      tag: 'Files',
      summary: 'Download a file',
      answers: {
        200: { description: 'Its content, as the type that it came with', body: '*/*' },
        304: { description: 'It is the one that `If-None-Match` names', body: null },
      },
      headers: { 'If-None-Match': 'The ETag of what you have' },
      ...FILES,
      errors: [...FILES.errors, 'file_not_found', 'invalid_request'],
    }),
    async (c) => {
      const name = fileName(c);
      const found = await asked(c, () => c.get('services').files.open(c.get('owner'), name));
      if (!found) throw fileNotFound(name);
      const { body, info } = found;
      if (
        c.req
          .header('If-None-Match')
          ?.split(',')
          .some((tag) => [info.etag, '*'].includes(tag.trim().replace(/^W\//, '')))
      ) {
        await body.cancel();
        return c.body(null, 304, { ETag: info.etag });
      }
      return c.body(body, 200, {
        'Content-Type': info.content_type ?? DEFAULT_TYPE,
        'Content-Length': String(info.bytes),
        ETag: info.etag,
        // Never shown in place: what somebody uploaded is not a page of this service.
        'Content-Disposition': `attachment; filename="${name}"`,
        'X-Content-Type-Options': 'nosniff',
      });
    },
  )

  .delete(
    '/:name',
    describe({
      id: 'deleteFile',
      access: 'tasks:write',
      tag: 'Files',
      summary: 'Delete a file',
      answers: { 204: { description: 'It is gone', body: null } },
      ...FILES,
      errors: [...FILES.errors, 'file_not_found', 'invalid_request'],
    }),
    async (c) => {
      const name = fileName(c);
      if (!(await asked(c, () => c.get('services').files.remove(c.get('owner'), name))))
        throw fileNotFound(name);
      return c.body(null, 204);
    },
  );
