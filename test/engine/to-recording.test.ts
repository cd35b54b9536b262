import { expect, it } from 'vitest';
import { toStub } from '../../src/domain/body.ts';
import { decideVerdict, type EndedOutcome } from '../../src/domain/retry.ts';
import { toRecording } from '../../src/engine/to-recording.ts';
import { aTask } from '../support/rows.ts';

const task = { ...aTask(), attempt: 1 };
const policy = { maxAttempts: 3, baseSeconds: 0, maxSeconds: 0 };
const decide = (outcome: EndedOutcome) => decideVerdict(outcome, task, policy, () => 0);
const done: EndedOutcome = { kind: 'completed', result: '"large"' };
const verdict = { transition: 'complete', result: '"large"' };

it('waits for what is stored outside alone', async () => {
  const failed: EndedOutcome = {
    kind: 'failed',
    error: { code: 'x', message: '' },
    retryable: true,
  };
  const never = () => expect.fail('Nothing to keep');
  expect(toRecording(task, failed, decide, never)).toMatchObject({ task, verdict: { delayMs: 0 } });
  expect(toRecording(task, done, decide, (_, __, text) => text)).toEqual({ task, verdict });
  const stored = toRecording(task, done, decide, async (_key, attempt) => `stub ${attempt}`);
  expect(stored).toBeInstanceOf(Promise);
  expect(await stored).toEqual({ task, verdict, stub: 'stub 1' });
  // It stayed in its row.
  expect(await toRecording(task, done, decide, async (_, __, text) => text)).toEqual({
    task,
    verdict,
  });
});

it('leaves out what no answer can carry', async () => {
  const stub = toStub({ bytes: 1_048_577, name: '1-x' });
  expect(await toRecording(task, done, decide, async () => stub)).toEqual({
    task,
    verdict: { ...verdict, result: stub },
  });
});

it('is a failure where the result could not be stored', async () => {
  const away = () => Promise.reject(new Error('R2 is away'));
  expect(await toRecording(task, done, decide, away)).toMatchObject({
    verdict: {
      transition: 'reschedule',
      error: { code: 'storage_unavailable', message: 'R2 is away' },
    },
  });
});
