import { countBytes, escapeStub, MAX_RETURNED_BYTES } from '../domain/body.ts';
import {
  describeError,
  findStack,
  GiveUp,
  GoOn,
  HandedOver,
  RetryLater,
  Snooze,
} from '../domain/errors.ts';
import { MAX_RESULT_DEPTH, measureDepth } from '../domain/json.ts';
import { MAX_CHECKPOINT_BYTES } from '../domain/run-limits.ts';
import type { EndedOutcome, Outcome } from '../domain/retry.ts';

/** An attempt ran longer than its task's timeout. */
export class TimeoutError extends Error {}

export const failAttempt = (
  code: string,
  message: string,
  retryable = false,
): Extract<Outcome, { kind: 'failed' }> => ({
  kind: 'failed',
  error: { code, message },
  retryable,
});

/** Refuses, instead of dropping in silence, what JSON has no word for. */
const refuseNonJson = (_key: string, value: unknown): unknown => {
  if (typeof value === 'function' || typeof value === 'symbol')
    throw new TypeError(`A ${typeof value} is not JSON`);
  if (typeof value === 'number' && !Number.isFinite(value))
    throw new TypeError(`${value} is not JSON: it is beyond what a number can hold`);
  return value;
};

/** The handler's return value as an outcome. Nothing returned is null. */
export const toOutcome = (value: unknown): EndedOutcome => {
  let result: string;
  try {
    result = JSON.stringify(value ?? null, refuseNonJson);
  } catch (error) {
    return failAttempt('bad_result', `The result is not JSON: ${describeError(error)}`);
  }
  // Counted only where it can be too much: a UTF-16 unit has three bytes at most.
  const mayExceed = result.length * 3 > MAX_RETURNED_BYTES;
  const bytes = mayExceed ? countBytes(result) : 0;
  if (bytes > MAX_RETURNED_BYTES) {
    return failAttempt(
      'result_too_large',
      `The result has ${bytes} bytes, more than the ${MAX_RETURNED_BYTES} that fit: ` +
        'write it to a file and return its name',
    );
  }
  if (measureDepth(result) <= MAX_RESULT_DEPTH)
    return { kind: 'completed', result: escapeStub(result) };
  return failAttempt('bad_result', `The result is nested deeper than ${MAX_RESULT_DEPTH} levels`);
};

/** What another run is to go on from, as JSON; throws `GiveUp` for what is none, or too large. */
export const toCheckpoint = (value: unknown, what = 'checkpoint'): string => {
  let text: string | undefined;
  try {
    text = JSON.stringify(value ?? null, refuseNonJson);
  } catch (error) {
    throw new GiveUp(`The ${what} is not JSON: ${describeError(error)}`, 'bad_checkpoint');
  }
  if (new TextEncoder().encode(text).byteLength <= MAX_CHECKPOINT_BYTES) return text;
  throw new GiveUp(`A ${what} has ${MAX_CHECKPOINT_BYTES} bytes at most`, 'checkpoint_too_large');
};

const toSnoozed = ({ seconds, checkpoint }: Snooze): Outcome => {
  const delayMs = Number.isNaN(seconds) ? 0 : seconds * 1_000;
  const kept = checkpoint === undefined ? {} : { checkpoint: toCheckpoint(checkpoint) };
  return { kind: 'snoozed', delayMs, ...kept };
};

/** Anything thrown, as an outcome. */
export const toFailure = (thrown: unknown): Outcome => {
  if (thrown instanceof HandedOver) return { kind: 'handed_over' };
  try {
    if (thrown instanceof GoOn)
      return { kind: 'continued', checkpoint: toCheckpoint(thrown.checkpoint) };
    if (thrown instanceof Snooze) return toSnoozed(thrown);
  } catch (error) {
    return toFailure(error);
  }
  if (thrown instanceof TimeoutError) return failAttempt('timeout', thrown.message, true);
  if (thrown instanceof GiveUp) return failAttempt(thrown.code, describeError(thrown));
  if (!(thrown instanceof RetryLater)) {
    const stack = findStack(thrown);
    const failed = failAttempt('handler_error', describeError(thrown), true);
    return stack === undefined ? failed : { ...failed, stack };
  }
  const { code, seconds, isRefunded } = thrown;
  const error = { code, message: describeError(thrown) };
  const delay = seconds === undefined ? {} : { retryAfterMs: seconds * 1_000 };
  return { kind: 'failed', error, retryable: true, ...delay, ...(isRefunded && { refund: true }) };
};
