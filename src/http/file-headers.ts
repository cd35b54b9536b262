import type { FileInfo } from '../store/files.ts';
import type { AppContext } from './context.ts';

/** The type of a file that came without one. */
export const DEFAULT_TYPE = 'application/octet-stream';
/** A media type, and nothing that could end a header line. */
const MEDIA_TYPE = /^[\w.+-]+\/[\w.+-]+(\s*;\s*[\w-]+=[\w.+"-]+)*$/;

/** The media type of an upload, when it is one. */
export const readContentType = (c: AppContext): string => {
  const given = c.req.header('Content-Type') ?? '';
  return MEDIA_TYPE.test(given) && given.length <= 200 ? given : DEFAULT_TYPE;
};

/** The conditions that every method of a file takes, as they are documented. */
export const CONDITIONS = {
  'If-Match': 'ETags, of which it must have one; `*`: it must be there',
  'If-None-Match': 'ETags that it must not have; `*`: it must not be there',
  'If-Modified-Since': 'Only if it is newer',
  'If-Unmodified-Since': 'Only if it is not newer',
};

/** The headers of a file, with its content or without. */
export const toFileHeaders = ({ etag, uploaded_at, bytes, content_type, name }: FileInfo) => ({
  'Content-Type': content_type ?? DEFAULT_TYPE,
  'Content-Length': String(bytes),
  ETag: etag,
  'Last-Modified': new Date(uploaded_at).toUTCString(),
  // Never shown in place: an uploaded file is not a page of this service.
  'Content-Disposition': `attachment; filename="${name}"`,
  'X-Content-Type-Options': 'nosniff',
});
