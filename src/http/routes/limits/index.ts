import { Hono } from 'hono';
import type { AppEnv } from '../../context.ts';
import { limitReadRoutes } from './read.ts';
import { limitWriteRoutes } from './write.ts';

/** `/limits`: how many tasks run at once, and how fast they begin. */
export const limitRoutes = new Hono<AppEnv>()
  .route('/', limitReadRoutes)
  .route('/', limitWriteRoutes);
