import type * as z from 'zod';
import type { backfillSchema } from '../http/routes/schedules/run.ts';
import type {
  momentSchema,
  scheduleDetailSchema,
  scheduleSchema,
} from '../http/routes/schedules/schedule-view.ts';

/** Schedules as the service answers with them. */
export type Planted = z.output<typeof scheduleSchema>;
export type PlantedDetail = z.output<typeof scheduleDetailSchema>;
export type PlantedMoment = z.output<typeof momentSchema>;
export type PlantedBackfill = z.output<typeof backfillSchema>;
