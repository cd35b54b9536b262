import type { DeliveryResult } from '../domain/delivery.ts';
import { failures } from '../handlers/email/failures.ts';
import { render } from '../handlers/email/template.ts';
import type { DeliveryGateStore } from '../store/delivery-gates.ts';
import type { DeliveryStore, FailureCount } from '../store/deliveries.ts';

/** After a mail about failures the next one follows no sooner. */
const EVERY_MS = 600_000;
/** After a mail that was not taken. */
const RETRY_MS = 60_000;
const TURN = 'mail:failures';
/** Kinds of failure that a digest names. */
const MAX_NAMED = 50;

/** A mail's words. */
export interface Words {
  subject: string;
  text: string;
  html: string;
}

const writeDigest = (counts: readonly FailureCount[]): Words => {
  const total = counts.reduce((sum, { count }) => sum + count, 0);
  const since = new Date(Math.min(...counts.map(({ first_at }) => first_at))).toISOString();
  const left = counts.length - MAX_NAMED;
  const rows = counts.slice(0, MAX_NAMED).map(({ count, type, code, message, newest }) => ({
    count,
    type,
    error: [code, message]
      .filter((part) => part !== null)
      .join(': ')
      .slice(0, 300),
    task_id: newest,
  }));
  const more = left > 0 ? `And ${left} more kinds of failure` : undefined;
  return {
    subject: `${total} tasks failed`,
    ...render(failures, { total, since, rows, more }),
  };
};

export interface DigestDeps {
  deliveries: Pick<DeliveryStore, 'countFailures' | 'endFailures'>;
  gates: Pick<DeliveryGateStore, 'takeTurn' | 'giveTurnBack'>;
  send(words: Words, id: string): Promise<DeliveryResult>;
  now(): number;
}

/**
 * Mails about failures: the first at once, and what fails within the next ten minutes together.
 */
export const createDigest = ({ deliveries, gates, send, now }: DigestDeps) => ({
  /**
   * Sends what there is, if it is time. @param words those of a single failure, if it is alone
   * @returns when to ask again (ms), or how it went and how many it told of
   */
  async trySend(
    words: Words,
    id: string,
  ): Promise<{ until: number } | { result: DeliveryResult; told: number }> {
    const at = now();
    const turn = await gates.takeTurn(TURN, at, EVERY_MS);
    if (turn) return { until: turn.nextAt };
    const counts = await deliveries.countFailures(at);
    const total = counts.reduce((sum, { count }) => sum + count, 0);
    const result = await send(total > 1 ? writeDigest(counts) : words, id);
    if (result.kind === 'delivered') {
      await deliveries.endFailures(at, now());
      return { result, told: Math.max(1, total) };
    }
    await gates.giveTurnBack(TURN, now() + RETRY_MS);
    return { result, told: 0 };
  },
});

export type Digest = ReturnType<typeof createDigest>;
