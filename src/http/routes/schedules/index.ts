import { Hono } from 'hono';
import type { AppEnv } from '../../context.ts';
import { previewRoutes } from './preview.ts';
import { scheduleReadRoutes } from './read.ts';
import { scheduleRunRoutes } from './run.ts';
import { scheduleWriteRoutes } from './write.ts';

/** `/schedules`: what is submitted by itself, and when. */
export const scheduleRoutes = new Hono<AppEnv>()
  .route('/', previewRoutes)
  .route('/', scheduleReadRoutes)
  .route('/', scheduleWriteRoutes)
  .route('/', scheduleRunRoutes);
