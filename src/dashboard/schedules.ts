import type * as z from 'zod';
import type { backfillSchema } from '../http/routes/schedules/run.ts';
import type {
  momentSchema,
  scheduleDetailSchema,
  scheduleSchema,
} from '../http/routes/schedules/schedule-view.ts';

/** Schedules as the service answers with them. */
export type ScheduleAnswer = z.output<typeof scheduleSchema>;
export type ScheduleRow = z.output<typeof scheduleDetailSchema>;
export type NextMoment = z.output<typeof momentSchema>;
export type BackfillAnswer = z.output<typeof backfillSchema>;
