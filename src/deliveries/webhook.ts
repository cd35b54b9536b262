import { Webhook } from 'standardwebhooks';
import type { DeliveryResult } from '../domain/delivery.ts';
import { describeError } from '../domain/errors.ts';
import { findUrlProblem, type OutgoingRules } from '../domain/outgoing.ts';
import { parseRetryAfter } from '../domain/retry.ts';

const TIMEOUT_MS = 10_000;
/** 410: the receiver wants no more deliveries. */
const GONE = 410;
/** Refusals that may pass: time-out, too early, too many. */
const PASSING = [408, 425, 429];
/** Tries after other refusals, and redirects: the receiver may be set up wrong for a moment. */
const MAX_REFUSED_TRIES = 3;

/** The headers of a body that is signed with each of these secrets, `whsec_…`. */
export const signWebhook = (
  id: string,
  body: string,
  secrets: readonly string[],
  now: number,
): Record<string, string> => {
  const at = new Date(Math.floor(now / 1_000) * 1_000);
  const signers = secrets.map((secret) => new Webhook(secret));
  return {
    'Content-Type': 'application/json',
    'User-Agent': 'Tasker',
    'webhook-id': id,
    'webhook-timestamp': String(at.getTime() / 1_000),
    'webhook-signature': signers.map((signer) => signer.sign(id, at, body)).join(' '),
  };
};

export interface WebhookDeps {
  rules: OutgoingRules;
  fetch: typeof fetch;
  now(): number;
  timeoutMs?: number;
}

/**
 * Posts events signed by Standard Webhooks (https://www.standardwebhooks.com), to public addresses
 * alone.
 */
export const createWebhookSender = ({ rules, fetch, now, timeoutMs = TIMEOUT_MS }: WebhookDeps) => {
  return {
    /**
     * One try; never throws. The receiver's answer is not read, its redirects are not followed.
     * @param secrets what it is signed with, `whsec_…`; several while they are rotated
     */
    async post(
      url: string,
      id: string,
      event: unknown,
      secrets: readonly string[],
    ): Promise<DeliveryResult> {
      const refused = findUrlProblem(url, rules);
      if (refused !== null) return { kind: 'failed', error: refused, final: true };
      const body = JSON.stringify(event);
      const headers = signWebhook(id, body, secrets, now());
      try {
        const signal = AbortSignal.timeout(timeoutMs);
        const response = await fetch(url, {
          method: 'POST',
          headers,
          body,
          redirect: 'manual',
          signal,
        });
        await response.body?.cancel();
        if (response.ok) return { kind: 'delivered' };
        const error = `The receiver answered ${response.status}`;
        const wait = parseRetryAfter(response.headers.get('Retry-After'), now());
        const { status } = response;
        const mayPass = status >= 500 || PASSING.includes(status);
        return {
          kind: 'failed',
          error,
          final: status === GONE,
          retryAfterMs: wait,
          ...(!mayPass && { mostTries: MAX_REFUSED_TRIES }),
        };
      } catch (error) {
        const isLate = error instanceof Error && error.name === 'TimeoutError';
        const text = isLate
          ? `No answer within ${timeoutMs / 1_000} s`
          : `No connection: ${describeError(error)}`;
        return { kind: 'failed', error: text };
      }
    },
  };
};

export type WebhookSender = ReturnType<typeof createWebhookSender>;
