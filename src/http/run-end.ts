import * as z from 'zod';
import type { RunEnd } from '../engine/run-ends.ts';
import { MAX_CHECKPOINT_BYTES } from '../domain/run-limits.ts';
import { anyJson } from './fields.ts';

/** Why a run failed, as whoever ran it says. */
const failure = {
  error: z.strictObject({
    code: z
      .string()
      .regex(/^[\w.-]{1,60}$/, 'A code is a word of at most 60 letters, digits, _, - and .')
      .optional()
      .meta({ description: 'A stable word; `handler_error` unless given' }),
    message: z.string().meta({ description: 'For people; the first 2 KB are kept' }),
    stack: z
      .string()
      .optional()
      .meta({ description: 'Where it was thrown; the first 2 KB are kept, for its owner alone' }),
  }),
  retry: z
    .boolean()
    .optional()
    .meta({ description: 'false: fail for good, whatever attempts are left' }),
  retry_after_seconds: z.number().min(0).max(31_536_000).optional(),
};

export const completion = z.strictObject({
  result: anyJson.optional().meta({ description: 'Any JSON, 1 MB at most; null unless given' }),
});
export const failed = z.strictObject(failure);

/** What another run goes on from, or is given instead of a step. */
export const checkpointData = anyJson
  .refine(
    (value) => new TextEncoder().encode(JSON.stringify(value)).byteLength <= MAX_CHECKPOINT_BYTES,
    'At most 16 KB of JSON',
  )
  .meta({ description: 'Any JSON, 16 KB at most' });

export const snoozed = z.strictObject({
  seconds: z.number().min(0).max(31_536_000),
  checkpoint: checkpointData.optional(),
});

/** A snooze as the engine takes it. */
export const toSnoozed = ({ seconds, checkpoint }: z.output<typeof snoozed>): RunEnd => ({
  kind: 'snoozed',
  seconds,
  checkpoint,
});

/** A failure as the engine takes it. */
export const toFailed = (given: z.output<typeof failed>): RunEnd => ({
  kind: 'failed',
  error: given.error,
  retry: given.retry,
  retryAfterSeconds: given.retry_after_seconds,
});

const run = z.string().min(1).max(2_100).meta({ description: 'The token of the run, `run_…`' });

/** One of `done`: how a run ended. */
export const doneItem = z.union([
  z.strictObject({ run, result: anyJson.optional() }),
  z.strictObject({ run, ...failure }),
  z.strictObject({ run, snooze: snoozed }),
]);
/** How a run ended, as the engine takes it. */
export const toEnd = (item: z.output<typeof doneItem>): RunEnd => {
  if ('error' in item) return toFailed(item);
  if ('snooze' in item) return toSnoozed(item.snooze);
  return { kind: 'completed', result: item.result };
};
export const runTokens = z.array(run).max(1_000).default([]);
