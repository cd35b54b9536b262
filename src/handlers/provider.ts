import { Busy } from '../domain/busy.ts';
import { GiveUp, RetryLater } from '../domain/errors.ts';
import { parseRetryAfter } from '../domain/retry.ts';

/** A provider's refusal, without its body: no task should hold an error page. */
export interface Refusal {
  status: number;
  retryAfter: string | null;
  /** The provider's own word for it, shown if it is one of `REASONS`. */
  reason?: unknown;
}

/** Words of OpenAI's API that help. Others may be anything, even the key. */
const REASONS = new Set([
  'context_length_exceeded',
  'model_not_found',
  'insufficient_quota',
  'billing_hard_limit_reached',
  'rate_limit_exceeded',
  'invalid_api_key',
  'unsupported_parameter',
  'unsupported_value',
  'string_above_max_length',
  'content_policy_violation',
  'content_filter',
]);
/**
 * What a refusal means for the task, as the error to throw. 408, 429 and 5xx pass: the task comes
 * back when the provider says, or after the type's back-off. Everything else would be refused
 * again.
 * @param keySetting the setting that holds the key, to be named when the key is refused
 */
export const toRefusal = (
  provider: string,
  keySetting: string,
  { status, retryAfter, reason }: Refusal,
): Error => {
  const word = typeof reason === 'string' && REASONS.has(reason) ? ` (${reason})` : '';
  const message = `${provider} answered ${status}${word}`;
  if (status === 408 || status === 429 || status >= 500) {
    const ms = parseRetryAfter(retryAfter, Date.now());
    const code = status === 429 ? 'provider_rate_limited' : 'provider_unavailable';
    const Kind = status === 429 || status === 503 ? Busy : RetryLater;
    return new Kind(ms === undefined ? undefined : ms / 1_000, message, code);
  }
  if (status === 401 || status === 403)
    return new GiveUp(`${message}: check ${keySetting}`, 'provider_refused_key');
  return new GiveUp(message, 'provider_refused');
};

/** For an answer that is not what the provider promises: worth another try. */
export const toBadAnswer = (provider: string): RetryLater =>
  new RetryLater(
    undefined,
    `${provider} gave an answer that cannot be understood`,
    'provider_bad_answer',
  );

/** For a provider that gave no answer at all. */
export const toUnreachable = (provider: string): RetryLater =>
  new RetryLater(
    undefined,
    `${provider} could not be reached, or ended its answer early`,
    'provider_unavailable',
  );
