import { Hono } from 'hono';
import type { AppEnv } from '../../context.ts';
import { flowCommandRoutes } from './commands.ts';
import { flowReadRoutes } from './read.ts';
import { flowSubmitRoutes } from './submit.ts';

/** `/flows`: tasks that wait for tasks. */
export const flowRoutes = new Hono<AppEnv>()
  .route('/', flowSubmitRoutes)
  .route('/', flowReadRoutes)
  .route('/', flowCommandRoutes);
