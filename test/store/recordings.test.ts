import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { decideVerdict, type Outcome, type Verdict } from '../../src/domain/retry.ts';
import type { Task } from '../../src/domain/task.ts';
import { createRecordings, readRecordingKey, wasRecorded } from '../../src/store/recordings.ts';
import { createTransitions } from '../../src/store/transitions.ts';
import { aTask, rowOf, store } from '../support/rows.ts';

const NOW = 1_900_000_000_000;
const error = { code: 'x', message: 'x' };
const verdicts: Verdict[] = [
  { transition: 'complete', result: '{"n":1}' },
  { transition: 'fail', error },
  { transition: 'reschedule', error, delayMs: 3_000 },
  { transition: 'reschedule', error, delayMs: 3_000, refund: true },
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

it('grants an attempt more for one that does not count', async () => {
  const task = aTask({ maxAttempts: 1 }, NOW);
  await store(task);
  const [claimed] = (await createTransitions(env.DB).claim([task], NOW, false)) as [Task];
  const outcome: Outcome = { kind: 'failed', error, retryable: true, refund: true };
  const policy = { maxAttempts: 1, baseSeconds: 1, maxSeconds: 1 };
  const verdict = decideVerdict(outcome, claimed, policy, () => 0.5);
  await createRecordings(env.DB, null).record([{ task: claimed, verdict }], NOW + 10);
  expect(await rowOf(task.id)).toMatchObject({ status: 'PENDING', attempt: 1, max_attempts: 2 });
});

it('writes what the release before has kept, which had fewer columns', async () => {
  const tasks = [aTask({}, NOW), aTask({}, NOW)];
  await store(...tasks);
  const claimed = await createTransitions(env.DB).claim(tasks, NOW, false);
  const recordings = createRecordings(env.DB, null);
  const kinds: Verdict[] = [
    { transition: 'complete', result: '{"a":1}' },
    { transition: 'reschedule', error, delayMs: 0 },
  ];
  const texts = recordings.encodeRecordings(
    claimed.map((task, i) => ({ task, verdict: kinds[i] as Verdict })),
    NOW + 5,
  );
  const without = (text: string, at: number): string =>
    `v1 ${JSON.stringify((JSON.parse(text.slice(3)) as unknown[]).toSpliced(at, 1))}`;
  await recordings.writeRecordings([without(texts[0] ?? '', 7), without(texts[1] ?? '', 8)]);
  const rows = await Promise.all(claimed.map(({ id }) => rowOf(id)));
  expect(rows.map(({ status, result, snoozes }) => [status, result, snoozes])).toEqual([
    ['COMPLETED', '{"a":1}', 0],
    ['PENDING', null, 0],
  ]);
  expect(rows.map(({ attempts }) => (JSON.parse(attempts) as unknown[]).length)).toEqual([1, 1]);
});

it('writes what it made to be kept, once, and nothing of another version', async () => {
  const tasks = [aTask({}, NOW), aTask({}, NOW)];
  await store(...tasks);
  const claimed = await createTransitions(env.DB).claim(tasks, NOW, false);
  const recordings = createRecordings(env.DB, null);
  const kinds = [
    { transition: 'complete', result: '1' },
    { transition: 'reschedule', error, delayMs: 0 },
  ] as const;
  const texts = recordings.encodeRecordings(
    claimed.map((task, i) => ({ task, verdict: kinds[i] as Verdict })),
    NOW + 5,
  );
  await recordings.writeRecordings(texts);
  await recordings.writeRecordings(texts);
  const rows = await Promise.all(claimed.map(({ id }) => rowOf(id)));
  expect(rows.map(({ status, version }) => [status, version])).toEqual([
    ['COMPLETED', 3],
    ['PENDING', 3],
  ]);
  const old = texts.map((text) => text.replace('v2', 'v0'));
  await expect(recordings.writeRecordings(old)).rejects.toThrow('Unknown version');
  expect(() => readRecordingKey(old[0] ?? '')).toThrow('Unknown version');
});
