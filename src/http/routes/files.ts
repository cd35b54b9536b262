import { Hono } from 'hono';
import { AppError } from '../../domain/errors.ts';
import { FILE_NAME, MAX_FILE_BYTES } from '../../domain/file-name.ts';
import type { FileInfo } from '../../store/files.ts';
import type { AppContext, AppEnv } from '../context.ts';
import { asking } from '../read-task.ts';
import { filesQuery } from '../schemas.ts';
import { query, refuse } from '../validate.ts';

const DEFAULT_TYPE = 'application/octet-stream';
/** A media type, and nothing that could end a header line. */
const MEDIA_TYPE = /^[\w.+-]+\/[\w.+-]+(\s*;\s*[\w-]+=[\w.+"-]+)*$/;

const fileName = (c: AppContext): string => {
  const name = c.req.param('name') ?? '';
  if (FILE_NAME.test(name)) return name;
  const message = 'A file name has 1 to 200 letters, digits, ".", "_" and "-", and does not begin with "."';
  return refuse([{ in: 'path', path: 'name', code: 'invalid_name', message }]);
};

const fileNotFound = (name: string): AppError => new AppError('file_not_found', `There is no file "${name}"`);
const tooLarge = (): AppError => new AppError('body_too_large', `A file may have at most ${MAX_FILE_BYTES} bytes`);
const asked = <T>(c: AppContext, work: () => Promise<T>): Promise<T> => asking(c, work, 'storage_unavailable');

const viewOf = ({ uploaded_at, ...info }: FileInfo) => ({ ...info, uploaded_at: new Date(uploaded_at).toISOString() });

/** Inputs and outputs of `file_processing`. */
export const files = new Hono<AppEnv>()
  .get('/', query(filesQuery), async (c) => {
    const { page_size, cursor } = c.req.valid('query');
    const page = await asked(c, () => c.var.services.files.list(c.var.owner, page_size, cursor));
    const next_cursor = page.hasMore ? (page.files.at(-1)?.name ?? null) : null;
    return c.json({ pagination: { page_size, next_cursor }, files: page.files.map(viewOf) });
  })

  .put('/:name', async (c) => {
    const name = fileName(c);
    if (Number(c.req.header('Content-Length') ?? 0) > MAX_FILE_BYTES) throw tooLarge();
    const given = c.req.header('Content-Type') ?? '';
    const contentType = MEDIA_TYPE.test(given) && given.length <= 200 ? given : DEFAULT_TYPE;
    const { files: store } = c.var.services;
    const content = (c.req.raw.body ?? []) as AsyncIterable<Uint8Array>;
    const isNew = (await asked(c, () => store.info(c.var.owner, name))) === null;
    const saved = await asked(c, () =>
      store.save(c.var.owner, name, content, { contentType, maxBytes: MAX_FILE_BYTES }),
    );
    c.var.log.info('file_saved', { owner: c.var.owner, bytes: saved.bytes });
    return c.json(viewOf(saved), isNew ? 201 : 200, { Location: `/files/${name}` });
  })

  .get('/:name', async (c) => {
    const name = fileName(c);
    const found = await asked(c, () => c.var.services.files.open(c.var.owner, name));
    if (!found) throw fileNotFound(name);
    const { body, info } = found;
    return c.body(body, 200, {
      'Content-Type': info.content_type ?? DEFAULT_TYPE,
      'Content-Length': String(info.bytes),
      ETag: info.etag,
      // Never shown in place: what somebody uploaded is not a page of this service.
      'Content-Disposition': `attachment; filename="${name}"`,
      'X-Content-Type-Options': 'nosniff',
    });
  })

  .delete('/:name', async (c) => {
    const name = fileName(c);
    if (!(await asked(c, () => c.var.services.files.remove(c.var.owner, name)))) throw fileNotFound(name);
    return c.body(null, 204);
  });
