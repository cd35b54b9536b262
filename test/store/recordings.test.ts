import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import type { Verdict } from '../../src/domain/retry.ts';
import type { Task } from '../../src/domain/task.ts';
import { createRecordings, wasRecorded } from '../../src/store/recordings.ts';
import { createTransitions } from '../../src/store/transitions.ts';
import { aTask, rowOf, store } from '../support/rows.ts';

const NOW = 1_900_000_000_000;
const error = { code: 'x', message: 'x' };
const verdicts: Verdict[] = [
  { transition: 'complete', result: '{"n":1}' },
  { transition: 'fail', error },
  { transition: 'reschedule', error, delayMs: 3_000 },
];

it.each(verdicts)('returns the row that it wrote: $transition', async (verdict) => {
  const task = aTask({}, NOW);
  await store(task);
  const [claimed] = await createTransitions(env.DB).claim([task], NOW, false);
  const recordings = createRecordings(env.DB, '["failure_email"]');
  const recording = { task: claimed as Task, verdict };
  const [written] = await recordings.record([recording], NOW + 10);
  expect(written).toEqual(await rowOf(task.id));
  expect(written?.failure_sinks).toBe(verdict.transition === 'fail' ? '["failure_email"]' : null);
  expect(wasRecorded(written as Task, recording)).toBe(true);
  expect(wasRecorded(claimed as Task, recording)).toBe(false);
  expect(await recordings.record([recording], NOW + 20)).toEqual([]);
});
