import { expect, it } from 'vitest';
import { toEndedOutcome } from '../../src/engine/run-ends.ts';
import { aTask } from '../support/rows.ts';

const catalog = {
  find: () => ({ outside: { findResultProblem: (value: unknown) => (value === 1 ? null : 'no') } }),
} as never;
const toEnded = toEndedOutcome.bind(null, catalog, aTask());

it('says what an end means for the attempt', () => {
  expect(toEnded({ kind: 'completed', result: 1 })).toEqual({ kind: 'completed', result: '1' });
  expect(toEnded({ kind: 'completed', result: 2 })).toMatchObject({
    kind: 'failed',
    error: { code: 'invalid_result' },
    retryable: false,
  });
  // Of one that is stored nobody looks inside.
  expect(toEnded({ kind: 'stored', stub: 'stub' })).toEqual({ kind: 'completed', result: 'stub' });
  expect(toEnded({ kind: 'snoozed', seconds: 2, checkpoint: { at: 1 } })).toEqual({
    kind: 'snoozed',
    delayMs: 2_000,
    checkpoint: '{"at":1}',
  });
  const error = { message: 'No room', stack: 'at x' };
  expect(toEnded({ kind: 'failed', error, retry: false, retryAfterSeconds: 3 })).toEqual({
    kind: 'failed',
    error: { code: 'handler_error', message: 'No room' },
    retryable: false,
    retryAfterMs: 3_000,
    stack: 'at x',
  });
});
