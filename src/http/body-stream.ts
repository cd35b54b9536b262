import { readStub } from '../domain/body.ts';
import type { Task } from '../domain/task.ts';
import type { AppContext } from './context.ts';
import { AppError } from '../domain/errors.ts';
import { orUnavailable } from './read-task.ts';

const isNamed = (header: string | undefined, etag: string): boolean =>
  (header ?? '').split(',').some((each) => each.trim().replace(/^W\//, '') === etag);

/**
 * Answers with a JSON text of a task, wherever it lies, as a stream: 304 where the caller has it.
 * @param version names the text among those that this column of the task has had
 */
export const answerBody = async (
  c: AppContext,
  { owner, id }: Pick<Task, 'owner' | 'id'>,
  text: string,
  version: string,
): Promise<Response> => {
  const outside = readStub(text);
  const etag = `"${outside?.name ?? version}"`;
  const headers = { ETag: etag, 'Content-Type': 'application/json' };
  if (isNamed(c.req.header('If-None-Match'), etag)) return c.body(null, 304, { ETag: etag });
  if (!outside) return c.body(text, 200, headers);
  const sized = { ...headers, 'Content-Length': String(outside.bytes) };
  if (c.req.method === 'HEAD') return c.body(null, 200, sized);
  const { bodies } = c.get('services');
  const key = { owner, id, name: outside.name };
  const found = await orUnavailable(c, () => bodies.open(key), 'storage_unavailable');
  // Deleted, or run again, since its row was read.
  if (!found) throw new AppError('body_not_found', 'It is not there any more; look at the task');
  return c.body(found.body, 200, sized);
};
