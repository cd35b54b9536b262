import { Hono } from 'hono';
import type { AppEnv } from '../../context.ts';
import { endRoutes } from './end.ts';
import { keepRoutes } from './keep.ts';
import { lifeRoutes } from './life.ts';
import { resultRoutes } from './result.ts';
import { sayRoutes } from './say.ts';

/** `/runs`: what a run outside says of itself, with the token that came with its task. */
export const runRoutes = new Hono<AppEnv>()
  .route('/', lifeRoutes)
  .route('/', endRoutes)
  .route('/', resultRoutes)
  .route('/', sayRoutes)
  .route('/', keepRoutes);
