import { Hono } from 'hono';
import type { AppEnv } from '../../context.ts';
import { typeCommandRoutes } from './commands.ts';
import { typeReadRoutes } from './read.ts';
import { typeWriteRoutes } from './write.ts';

/** `/task-types`: what can be submitted, and the types that an owner registers. */
export const taskTypeRoutes = new Hono<AppEnv>()
  .route('/', typeReadRoutes)
  .route('/', typeWriteRoutes)
  .route('/', typeCommandRoutes);
