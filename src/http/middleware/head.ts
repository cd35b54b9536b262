import type { MiddlewareHandler } from 'hono';
import type { AppEnv } from '../context.ts';

/**
 * Answers a HEAD of what costs to be made, such as a list or a stream, without making it. It stands
 * behind whatever may refuse the request.
 */
export const answerHead =
  (contentType = 'application/json'): MiddlewareHandler<AppEnv> =>
  async (c, next) =>
    c.req.method === 'HEAD' ? c.body(null, 200, { 'Content-Type': contentType }) : next();
