import * as z from 'zod';
import { toUnit, UNITS, type Unit } from '../../../domain/describe-recurrence.ts';
import { findCronProblem, type Recurrence } from '../../../domain/recurrence.ts';
import { isTimeZone } from '../../../domain/time-zone.ts';
import { CATCH_UPS, OVERLAPS } from '../../../domain/words.ts';
import { nativeForm } from '../tasks/new-task-schema.ts';

// What callers say of schedules.

const MAX_EVERY_MS = 366 * UNITS.days;
const MAX_TASK_BYTES = 32_768;
const DAY_SECONDS = 86_400;

const amount = z.number().min(0).max(31_622_400).optional();
/** `{ minutes: 15 }`; several units add up. */
const every = z
  .strictObject({ days: amount, hours: amount, minutes: amount, seconds: amount })
  .transform((given) =>
    Math.round(
      Object.entries(UNITS).reduce((sum, [unit, ms]) => sum + (given[unit as Unit] ?? 0) * ms, 0),
    ),
  )
  .refine((ms) => ms >= 1_000 && ms <= MAX_EVERY_MS, 'Between a second and 366 days')
  .meta({ description: 'Instead of `cron`: each time that so much has passed since its creation' });

export const everySchema = z.strictObject({
  days: amount,
  hours: amount,
  minutes: amount,
  seconds: amount,
});

/** An interval (ms) as answers have it. */
export const toEvery = (ms: number): Partial<Record<Unit, number>> => {
  const [count, unit] = toUnit(ms);
  return { [unit]: count };
};

const cron = z
  .string()
  .max(200)
  .superRefine((text, context) => {
    const message = findCronProblem(text);
    if (message !== null) context.addIssue({ code: 'custom', message });
  })
  .meta({
    description:
      'Five fields (minute, hour, day, month, weekday), six with seconds in front, or `@daily` and its kin',
  });

const timezone = z
  .string()
  .max(100)
  .refine(isTimeZone, 'A name of the IANA database, such as `Europe/Berlin`');

/** When it fires, for a schedule and for a preview. */
export const recurrenceFields = {
  cron: cron.optional(),
  every: every.optional(),
  timezone: timezone.default('UTC'),
};

/** Exactly one of the two. */
export const hasOneRecurrence = (given: { cron?: unknown; every?: unknown }): boolean =>
  (given.cron === undefined) !== (given.every === undefined);
export const ONE_RECURRENCE = 'Give either `cron` or `every`';

interface GivenRecurrence {
  cron?: string | undefined;
  every?: number | undefined;
  timezone: string;
}

/** @param anchor from where an interval counts, in ms */
export const toGivenRecurrence = (given: GivenRecurrence, anchor: number): Recurrence =>
  given.cron === undefined
    ? { everyMs: given.every ?? MAX_EVERY_MS, anchor }
    : { cron: given.cron, timezone: given.timezone };

const UUID = /^[\da-f]{8}-([\da-f]{4}-){3}[\da-f]{12}$/i;
const name = z
  .string()
  .regex(/^(?=.*[A-Za-z0-9])[\w.:@-]{1,100}$/, 'Letters, digits and any of _ . : @ -, 100 at most')
  .refine((text) => !UUID.test(text), 'A name must not look like an id')
  .meta({ description: 'Unique for an owner; the id may be replaced by it in every path' });

/** A submit without a time of its own. */
const task = nativeForm
  .omit({ scheduled_at: true, rerun_of: true })
  .meta({ id: 'ScheduledTask' })
  .refine(
    (given) => new TextEncoder().encode(JSON.stringify(given)).length <= MAX_TASK_BYTES,
    'The task of a schedule has at most 32 KB',
  );

const overlap = z.enum(OVERLAPS).meta({
  description:
    'While the task before has not ended: `allow` one more, `skip` the moment, `cancel_previous`, or ' +
    '`queue_one`, which begins after it',
});
const catchUp = z.enum(CATCH_UPS).meta({
  description: 'Of the moments that were missed, while the service was away, run these',
});
const catchUpWindow = z
  .int()
  .min(60)
  .max(366 * DAY_SECONDS)
  .meta({ description: 'Moments that were missed for longer are not made up for' });

export const scheduleForm = z
  .strictObject({
    name,
    ...recurrenceFields,
    task,
    overlap: overlap.default('allow'),
    catch_up: catchUp.default('latest'),
    catch_up_window_seconds: catchUpWindow.default(DAY_SECONDS),
  })
  .refine(hasOneRecurrence, ONE_RECURRENCE)
  .meta({ id: 'NewSchedule' });

export const scheduleChange = z
  .strictObject({
    name: name.optional(),
    cron: cron.optional(),
    every: every.optional(),
    timezone: timezone.optional(),
    task: task.optional(),
    overlap: overlap.optional(),
    catch_up: catchUp.optional(),
    catch_up_window_seconds: catchUpWindow.optional(),
  })
  .refine((given) => given.cron === undefined || given.every === undefined, ONE_RECURRENCE)
  .refine(
    (given) => Object.values(given).some((value) => value !== undefined),
    'Give at least one field to change',
  )
  .meta({ id: 'ScheduleChange', minProperties: 1 });
