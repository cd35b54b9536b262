import type { Frame } from '../src/domain/frames.ts';
import { roundOf } from './systems/tasker.ts';
import type { BenchWorker } from './worker.ts';

/**
 * Opens so many streams of the list and submits one task: ms until the first and the last of them
 * were told.
 */
export const fanOut = async (
  worker: BenchWorker,
  count: number,
): Promise<{ sockets: number; first_ms: number; last_ms: number }> => {
  const round = await roundOf(worker);
  const times: number[] = [];
  let sentAt = Infinity;
  let done = (): void => {};
  const all = new Promise<void>((resolve) => (done = resolve));
  const sockets: WebSocket[] = [];
  const open = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const socket = new WebSocket(`${worker.url.replace('http', 'ws')}/events`, {
        headers: round.headers,
      } as unknown as string[]);
      sockets.push(socket);
      socket.addEventListener('error', () => reject(new Error('A stream broke')));
      let isTold = false;
      socket.addEventListener('message', ({ data }) => {
        const frame = JSON.parse(String(data)) as Frame;
        if (frame.event === 'snapshot') return resolve();
        if (isTold) return;
        isTold = true;
        times.push(performance.now() - sentAt);
        if (times.length === count) done();
      });
    });
  // Some at a time, as they would come.
  for (let i = 0; i < count; i += 50)
    await Promise.all(Array.from({ length: Math.min(50, count - i) }, open));
  sentAt = performance.now();
  await fetch(round.submit.url, {
    method: 'POST',
    headers: { ...round.headers, 'Content-Type': 'application/json' },
    body: JSON.stringify(round.submit.body),
  });
  await all;
  for (const socket of sockets) socket.close();
  return {
    sockets: count,
    first_ms: Number(Math.min(...times).toFixed(1)),
    last_ms: Number(Math.max(...times).toFixed(1)),
  };
};
