import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { createSentTaskStore } from '../../src/store/sent-tasks.ts';
import { createTransitions } from '../../src/store/transitions.ts';
import { aTask, store } from '../support/rows.ts';

const NOW = 1_900_000_000_000;

it('finds what nobody has claimed since it was sent', async () => {
  const [waits, runs, again, gone, paused] = Array.from({ length: 5 }, () => aTask({}, NOW));
  if (!waits || !runs || !again || !gone || !paused) throw new Error('No tasks');
  await store(waits, runs, again, paused);
  const transitions = createTransitions(env.DB);
  const claimed = await transitions.claim([runs, again], NOW + 100, false);
  const verdict = { transition: 'reschedule', error: null, delayMs: 0, isSnoozed: false } as never;
  const ended = claimed.filter(({ id }) => id === again.id);
  await transitions.record(
    ended.map((task) => ({ task, verdict })),
    NOW + 200,
  );
  await transitions.command('pause', paused.owner, paused.id, NOW);
  const sent = (at: number) =>
    [waits, runs, again, gone, paused].map(({ owner, id }) => ({ owner, id, sentAt: at }));
  const { findUnclaimed } = createSentTaskStore(env.DB);
  expect(await findUnclaimed(sent(NOW))).toEqual(new Set([waits.id]));
  // It was sent once more, for its next attempt.
  expect(await findUnclaimed(sent(NOW + 201))).toEqual(new Set([waits.id, again.id]));
});
