import type { deliveryGatesTable } from '../schema/delivery-gates.ts';

/** The breaker and the budget of a host, or the budget of an owner: the row as stored. */
export type DeliveryGate = typeof deliveryGatesTable.$inferSelect;

/** How a try at a host went, for its gate: `refused` is an answer, but not the one that was wanted. */
export type TryOutcome = 'delivered' | 'refused' | 'failed';

const MINUTE_MS = 60_000;
/** A minute's budget of a host that has not shown yet that it takes deliveries, … */
export const FIRST_ALLOWANCE = 60;
/** … of an owner, … */
export const OWNER_ALLOWANCE = 600;
/** … and the most that either may grow to. */
const MAX_ALLOWANCE = 6_000;
/** Failures in a row that close a host. */
const FAILURES_TO_CLOSE = 3;
const FIRST_CLOSED_MS = 30_000;
const MAX_CLOSED_MS = 600_000;
/** Tries at one host at a time, and at one that has just failed. */
const MAX_AT_ONCE = 4;

const toMinute = (now: number): number => Math.floor(now / MINUTE_MS);

/** A gate that nothing has passed yet. */
export const createGate = (name: string, allowance: number): DeliveryGate => ({
  name,
  failures: 0,
  closed_until: 0,
  minute: 0,
  sent: 0,
  allowance,
});

/** A gate as it is in this minute: nothing sent yet, and more may be if all went well before. */
export const openMinute = (gate: DeliveryGate, now: number): DeliveryGate => {
  const minute = toMinute(now);
  if (gate.minute >= minute) return gate;
  const grown = Math.min(MAX_ALLOWANCE, Math.max(gate.allowance, 2 * gate.sent));
  return { ...gate, minute, sent: 0, allowance: gate.failures > 0 ? gate.allowance : grown };
};

/** How many tries a host lets through at once now. */
export const countAllowed = (gate: DeliveryGate, now: number): number => {
  if (now < gate.closed_until) return 0;
  const inBudget = Math.max(0, gate.allowance - gate.sent);
  return Math.min(inBudget, gate.failures > 0 ? 1 : MAX_AT_ONCE);
};

/** When a try that was not let through may come again, ms. */
export const findReopening = (gate: DeliveryGate, now: number): number => {
  if (now < gate.closed_until) return gate.closed_until;
  return gate.sent >= gate.allowance ? (gate.minute + 1) * MINUTE_MS : now + 1_000;
};

/** The gate of a host after tries that ended together. @param retryAfterMs what the host asked for */
export const settleGate = (
  gate: DeliveryGate,
  outcomes: readonly TryOutcome[],
  retryAfterMs: number,
  now: number,
): DeliveryGate => {
  const failed = outcomes.filter((each) => each === 'failed').length;
  const failures = failed < outcomes.length ? failed && 1 : gate.failures + failed;
  const over = failures - FAILURES_TO_CLOSE;
  const closedMs = over >= 0 ? Math.min(MAX_CLOSED_MS, FIRST_CLOSED_MS * 2 ** over) : 0;
  const waitMs = Math.max(closedMs, failed > 0 ? Math.min(retryAfterMs, MAX_CLOSED_MS) : 0);
  const isGood = outcomes.every((each) => each === 'delivered');
  // It grows with the next minute.
  const allowance = isGood ? gate.allowance : FIRST_ALLOWANCE;
  return { ...gate, failures, closed_until: waitMs > 0 ? now + waitMs : 0, allowance };
};
