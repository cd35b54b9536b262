import { refuseFields } from '../domain/field-errors.ts';
import type { SubmitRequest } from '../domain/submit-request.ts';
import type { Handler } from '../handlers/handler.ts';

/** A task may be scheduled this far ahead. */
const MAX_AHEAD_MS = 31_536_000_000;

/** A moment that has just passed means now. */
const MAX_PAST_MS = 60_000;

/** When it is to run, in ms; null for now. */
export const resolveSchedule = (
  { delay_seconds, scheduled_at }: SubmitRequest,
  now: number,
): number | null => {
  if (delay_seconds !== undefined && scheduled_at !== undefined) {
    const message = 'Give either delay_seconds or scheduled_at';
    return refuseFields([{ in: 'body', path: 'scheduled_at', code: 'conflict', message }]);
  }
  if (delay_seconds !== undefined)
    return delay_seconds === 0 ? null : now + Math.round(delay_seconds * 1_000);
  if (scheduled_at === undefined) return null;
  const at = Date.parse(scheduled_at);
  const refuse = (code: string, message: string): never =>
    refuseFields([{ in: 'body', path: 'scheduled_at', code, message }]);
  if (at > now + MAX_AHEAD_MS) return refuse('too_big', '`scheduled_at` is at most a year ahead');
  // Clocks differ by seconds; hours are a mistake, such as a zone that was left out.
  if (at <= now - MAX_PAST_MS)
    return refuse('in_the_past', '`scheduled_at` is in the past. To run it now, leave it out');
  return at > now ? at : null;
};

/** When it is cancelled unless it has begun, in ms; null: never. */
export const resolveExpiry = (request: SubmitRequest, now: number): number | null => {
  const { expires_in_seconds: seconds } = request;
  if (seconds === undefined) return null;
  const at = now + Math.round(seconds * 1_000);
  if (at > (resolveSchedule(request, now) ?? now)) return at;
  const message = 'It would expire before it is scheduled';
  return refuseFields([{ in: 'body', path: 'expires_in_seconds', code: 'conflict', message }]);
};

/** A task's timeout where its submit names none: its type says it, once its parameters are known. */
export const TIMEOUT_OF_TYPE = 0;

/** How long an attempt may take, in ms. @param params null: they are not known yet */
export const computeTimeout = (
  { timeout_seconds }: SubmitRequest,
  handler: Pick<Handler, 'timeoutMs'>,
  params: unknown,
): number => {
  if (timeout_seconds !== undefined) return Math.round(timeout_seconds * 1_000);
  return params === null ? TIMEOUT_OF_TYPE : handler.timeoutMs(params);
};
