import { expect, it, vi } from 'vitest';
import { toProgress, type Progress, type RunsPublished } from '../../src/domain/frames.ts';
import { createRunReporter } from '../../src/engine/run-reporter.ts';
import { keepLog } from '../support/deps.ts';
import { aTask } from '../support/rows.ts';

it.each([
  [2, 1],
  [-1, 0],
  [NaN, 0],
  [0.5, 0.5],
])('keeps a fraction between 0 and 1: %d is %d', (fraction, bounded) => {
  expect(toProgress(aTask(), fraction).fraction).toBe(bounded);
});

it('cuts a note, and mends half a character', () => {
  expect(toProgress(aTask(), 0, 'x'.repeat(500)).note).toHaveLength(200);
  expect(toProgress(aTask(), 0, '\ud83d').note).toBe('\ufffd');
});

const setup = (publishRuns: (owner: string, steps: Progress[]) => Promise<RunsPublished>) => {
  const { log, events } = keepLog();
  return { reporter: createRunReporter({ publishRuns, now: Date.now, log }), events };
};
const turn = () => new Promise((resolve) => setTimeout(resolve, 5));

it('publishes the first at once, by owner, and the newest of what follows after the interval', async () => {
  const calls: [string, (number | undefined)[]][] = [];
  const { reporter } = setup(async (owner, steps) => {
    calls.push([owner, steps.map(({ fraction }) => fraction)]);
    return { isWatched: true, shown: {} };
  });
  const [a, b] = [aTask(), aTask({ owner: 'other' })];
  reporter.report(a.owner, toProgress(a, 0.1));
  reporter.report(b.owner, toProgress(b, 0.2));
  await turn();
  expect(calls).toEqual([
    ['local', [0.1]],
    ['other', [0.2]],
  ]);
  reporter.report(a.owner, toProgress(a, 0.3));
  reporter.report(a.owner, toProgress(a, 0.4));
  await turn();
  expect(calls).toHaveLength(2);
  await vi.waitFor(() => expect(calls[2]).toEqual(['local', [0.4]]));
  reporter.stop();
});

it('logs what could not be published, and goes on', async () => {
  const { reporter, events } = setup(() => Promise.reject(new Error('No board')));
  reporter.report('local', toProgress(aTask(), 0.1));
  await turn();
  expect(events()).toEqual(['progress_failed']);
  reporter.stop();
});
