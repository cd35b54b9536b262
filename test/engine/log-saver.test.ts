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

it('loses nobody’s lines for one log that the database does not take', async () => {
  const stored: string[] = [];
  const [bad, good] = [speaking(), speaking()];
  const { saver } = setup(async (parts) => {
    if (parts.some(({ id }) => id === bad.id)) throw new Error('malformed JSON');
    stored.push(...parts.map(({ id }) => id));
  });
  for (const voice of [bad, good]) saver.add(voice);
  await Promise.all([saver.finish(bad), saver.finish(good)]);
  expect(stored).toEqual([good.id]);
});

it('stores later what a database that was away did not take', async () => {
  const stored: number[] = [];
  let isDown = true;
  const voice = speaking();
  const { saver } = setup(async (parts) => {
    if (isDown) throw new Error('No database');
    stored.push(...parts.map(({ lines }) => lines.length));
  });
  saver.add(voice);
  await saver.finish(voice);
  isDown = false;
  voice.log('info', 'more', undefined);
  saver.add(voice);
  await saver.finish(voice);
  expect(stored).toEqual([2]);
  expect(voice.listUnstored()).toBeNull();
});
