import { expect, it } from 'vitest';
import { createLogSaver } from '../../src/engine/log-saver.ts';
import { createRunVoice } from '../../src/engine/run-voice.ts';
import type { NewPart } from '../../src/store/run-logs.ts';
import { keepLog } from '../support/deps.ts';
import { aTask } from '../support/rows.ts';

const setup = (append: (parts: readonly NewPart[]) => Promise<void>) => {
  const { log, events } = keepLog();
  return { saver: createLogSaver({ runLogs: { append }, log }), events };
};
const speaking = () => {
  const voice = createRunVoice({ ...aTask(), attempt: 1 }, Date.now);
  voice.log('info', 'said', undefined);
  return voice;
};

it('stores the logs of runs that end together by one statement, and has stored them then', async () => {
  const calls: number[] = [];
  const { saver } = setup(async (parts) => void calls.push(parts.length));
  const voices = [speaking(), speaking(), speaking()];
  for (const voice of voices) saver.add(voice);
  await Promise.all(voices.map((voice) => saver.finish(voice)));
  expect(calls).toEqual([3]);
  saver.stop();
});

it('is nothing to a run that wrote nothing, and no harm where it fails', async () => {
  const { saver, events } = setup(() => Promise.reject(new Error('No database')));
  await saver.finish(speaking());
  expect(events()).toEqual([]);
  const voice = speaking();
  saver.add(voice);
  await saver.finish(voice);
  expect(events()).toEqual(['logs_not_stored']);
});

it('loses nobody’s lines for one log that the database does not take, nor for a moment without it', async () => {
  const stored: string[] = [];
  let isDown = true;
  const bad = speaking();
  const { saver } = setup(async (parts) => {
    if (isDown || parts.some(({ id }) => id === bad.id)) throw new Error('malformed JSON');
    stored.push(...parts.map(({ id }) => id));
  });
  const good = speaking();
  for (const voice of [bad, good]) saver.add(voice);
  await saver.finish(bad);
  expect(good.listUnstored()?.lines).toHaveLength(1);
  isDown = false;
  await saver.finish(good);
  expect(stored).toEqual([good.id]);
  expect(good.listUnstored()).toBeNull();
});
