import { createMiddleware } from 'hono/factory';
import { AppError } from '../domain/errors.ts';
import type { AppEnv } from './context.ts';

/** The tenant of a service that is open. */
const LOCAL_OWNER = 'local';

/** Says for whom a request speaks. Open under `wrangler dev` and with `AUTH=none`, closed everywhere else. */
export const access = createMiddleware<AppEnv>(async (c, next) => {
  const { isDevelopment, settings } = c.var.services;
  if (!isDevelopment && settings.AUTH !== 'none') {
    throw new AppError(
      'not_configured',
      'This deployment is closed: it has no API keys yet. Set AUTH=none to open it to everybody who can reach it',
    );
  }
  c.set('owner', LOCAL_OWNER);
  await next();
});
