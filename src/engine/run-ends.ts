import { describeError, toStack } from '../domain/errors.ts';
import type { EndedOutcome } from '../domain/retry.ts';
import type { Task } from '../domain/task.ts';
import type { Catalog } from '../handlers/catalog.ts';
import { failAttempt, toOutcome } from './outcome.ts';

/** How a run outside ended, as whoever ran it tells. */
export type RunEnd =
  | { kind: 'completed'; result: unknown }
  /** Its result is stored already: this is its stub. */
  | { kind: 'stored'; stub: string }
  | {
      kind: 'failed';
      error: { code?: string | undefined; message: string; stack?: string | undefined };
      /** Unset: yes, as long as attempts are left. */
      retry?: boolean | undefined;
      retryAfterSeconds?: number | undefined;
    }
  | { kind: 'snoozed'; seconds: number; checkpoint?: unknown };

const toText = ({ code, message }: { code?: string | undefined; message: string }) => ({
  code: code ?? 'handler_error',
  message: describeError(message),
});

/** What an end means for the attempt. */
export const toEndedOutcome = (
  catalog: Pick<Catalog, 'find'>,
  task: Task,
  end: RunEnd,
): EndedOutcome => {
  if (end.kind === 'failed') {
    const delay =
      end.retryAfterSeconds === undefined ? {} : { retryAfterMs: end.retryAfterSeconds * 1_000 };
    const { stack } = end.error;
    const more = stack === undefined ? delay : { ...delay, stack: toStack(stack) };
    return { kind: 'failed', error: toText(end.error), retryable: end.retry ?? true, ...more };
  }
  if (end.kind === 'stored') return { kind: 'completed', result: end.stub };
  if (end.kind === 'snoozed') {
    const { seconds, checkpoint } = end;
    const kept = checkpoint === undefined ? {} : { checkpoint: JSON.stringify(checkpoint) };
    return { kind: 'snoozed', delayMs: seconds * 1_000, ...kept };
  }
  const problem = catalog
    .find(task.owner, task.type)
    ?.outside?.findResultProblem(end.result ?? null);
  if (problem) return failAttempt('invalid_result', `The result does not fit: ${problem}`);
  return toOutcome(end.result);
};
