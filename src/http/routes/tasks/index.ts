import { Hono } from 'hono';
import type { AppEnv } from '../../context.ts';
import { bodyRoutes } from './bodies.ts';
import { commandRoutes } from './commands.ts';
import { deliveryRoutes } from './deliveries.ts';
import { fieldRoutes } from './fields.ts';
import { logRoutes } from './logs.ts';
import { manualRoutes } from './manual.ts';
import { readRoutes } from './read.ts';
import { submitRoutes } from './submit.ts';
import { tokenRoutes } from './token.ts';

/** `/tasks`: submit, read and steer. */
export const taskRoutes = new Hono<AppEnv>()
  .route('/', submitRoutes)
  .route('/', fieldRoutes)
  .route('/', readRoutes)
  .route('/', bodyRoutes)
  .route('/', commandRoutes)
  .route('/', logRoutes)
  .route('/', manualRoutes)
  .route('/', deliveryRoutes)
  .route('/', tokenRoutes);
