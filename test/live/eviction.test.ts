import { evictDurableObject } from 'cloudflare:test';
import { expect, it } from 'vitest';
import type { Frame } from '../../src/domain/frames.ts';
import { watch } from '../support/client.ts';
import { aTask } from '../support/rows.ts';
import { board, claim, complete, isEnd, taskIn, tell, watched } from '../support/streams.ts';

it('goes on after its object was evicted', async () => {
  const { task, next } = await watched();
  await claim(task.id);
  await evictDurableObject(board(), { webSockets: 'hibernate' });
  await tell(await complete(task.id));
  expect(taskIn(await next(isEnd))).toMatchObject({ status: 'COMPLETED' });
});

it('closes on a subscriber that stopped acknowledging, and not on one that goes on', async () => {
  const silent = await watch('/events');
  const awake = await watch('/events');
  awake.socket.addEventListener('message', ({ data }) => {
    const { seq } = JSON.parse(data as string) as { seq?: number };
    if (seq) awake.socket.send(JSON.stringify({ ack: seq }));
  });
  awake.socket.send('not json');
  awake.socket.send('{"ack":"x"}');
  const seqOf = (frames: Frame[]) =>
    Math.max(0, ...frames.map((frame) => (frame.event === 'updates' ? frame.seq : 0)));
  let isClosed = false;
  void silent.closed.then(() => (isClosed = true));
  // Evicted in between, the object forgets its pace but not what each subscriber owes.
  while (!isClosed && seqOf(awake.frames) < 60) {
    const before = seqOf(awake.frames);
    for (let i = 0; i < 4; i += 1) await tell(aTask());
    await awake.next((frame) => frame.event === 'updates' && frame.seq > before);
    await evictDurableObject(board(), { webSockets: 'hibernate' });
  }
  expect(await silent.closed).toMatchObject({ code: 1013 });
  expect(seqOf(awake.frames)).toBeGreaterThanOrEqual(32);
  awake.socket.close();
});
