import { AppError } from '../domain/errors.ts';
import { refuseFields } from '../domain/field-errors.ts';
import { parseHttpDate } from '../domain/retry.ts';
import type { FileInfo } from '../store/files.ts';
import type { AppContext } from './context.ts';

// The conditions of RFC 9110, section 13, in the order of 13.2.2, for every method alike.

const ETAGS = /(?:W\/)?"[^"]*"|\*/g;

const LIST = /^\s*(?:\*|(?:W\/)?"[^"]*"(?:\s*,\s*(?:W\/)?"[^"]*")*)\s*$/;

const readTags = (header: string): string[] => header.match(ETAGS) ?? [];

/** Whether a list of tags names the file. A weak tag never does where bytes must be the same. */
const namesFile = (header: string, file: FileInfo | null, isWeak: boolean): boolean =>
  file !== null &&
  readTags(header).some(
    (tag) => tag === '*' || (isWeak ? tag.replace(/^W\//, '') : tag) === file.etag,
  );

/** Dates of HTTP are whole seconds. */
const toSecond = (ms: number): number => Math.floor(ms / 1_000) * 1_000;

/**
 * Whether the caller has the file already, as `If-None-Match` and `If-Modified-Since` tell; 412 when
 * a condition for what is asked does not hold.
 */
export const checkPreconditions = (c: AppContext, file: FileInfo | null): 'go' | 'unchanged' => {
  const header = (name: string): string | undefined => c.req.header(name);
  const isReading = c.req.method === 'GET' || c.req.method === 'HEAD';
  const fail = (name: string): never => {
    throw new AppError('precondition_failed', `The file is not as ${name} says`);
  };
  const dateOf = (name: string): number | undefined =>
    parseHttpDate(header(name)?.trim() ?? '', Date.now());

  // A condition that cannot be read must not let a write through.
  for (const name of isReading ? [] : ['If-Match', 'If-None-Match'])
    if (!LIST.test(header(name) ?? '*'))
      refuseFields([
        {
          in: 'header',
          path: name,
          code: 'invalid_etag',
          message: `${name} is "*", or ETags as the service gave them, in quotes`,
        },
      ]);

  const match = header('If-Match');
  if (match !== undefined) {
    if (!namesFile(match, file, false)) fail('If-Match');
  } else {
    const since = dateOf('If-Unmodified-Since');
    if (since !== undefined && file && toSecond(file.uploaded_at) > since)
      fail('If-Unmodified-Since');
  }
  const noneMatch = header('If-None-Match');
  if (noneMatch !== undefined) {
    if (!namesFile(noneMatch, file, true)) return 'go';
    return isReading ? 'unchanged' : fail('If-None-Match');
  }
  const since = dateOf('If-Modified-Since');
  const isUnchanged =
    isReading && since !== undefined && file && toSecond(file.uploaded_at) <= since;
  return isUnchanged ? 'unchanged' : 'go';
};
