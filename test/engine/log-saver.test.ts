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
