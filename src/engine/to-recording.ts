import { MAX_EMBEDDED_BYTES, measureBody } from '../domain/body.ts';
import { describeError } from '../domain/errors.ts';
import type { EndedOutcome, Verdict } from '../domain/retry.ts';
import type { Task } from '../domain/task.ts';
import type { Recording } from '../store/recordings.ts';
import type { LargeBodies } from './large-bodies.ts';
import { failAttempt } from './outcome.ts';

/**
 * What is to be recorded of an attempt; a promise where its result is so large that it is stored first.
 * Where that is not possible, the attempt has failed and may be made again.
 */
export const toRecording = (
  task: Task,
  outcome: EndedOutcome,
  decide: (outcome: EndedOutcome) => Verdict,
  keepResult: LargeBodies['keepResult'],
): Recording | Promise<Recording> => {
  const verdict = decide(outcome);
  if (verdict.transition !== 'complete') return { task, verdict };
  const kept = keepResult(task, task.attempt, verdict.result);
  if (typeof kept === 'string') return { task, verdict };
  return kept.then(
    (stub) => {
      if (stub === verdict.result) return { task, verdict };
      // Whoever hears of the end gets the result itself, as long as an answer can carry it.
      return measureBody(stub) > MAX_EMBEDDED_BYTES
        ? { task, verdict: { ...verdict, result: stub } }
        : { task, verdict, stub };
    },
    (error: unknown) => {
      const failed = failAttempt('storage_unavailable', describeError(error), true);
      return { task, verdict: decide(failed) };
    },
  );
};
