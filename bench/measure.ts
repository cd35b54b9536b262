import type { Frame } from '../src/domain/frames.ts';
import type { TaskView } from '../src/domain/view.ts';
import { fail } from '../scripts/options.ts';

/** Only a service on this machine is ever measured. */
export const assertLoopback = (url: string): void => {
  if (!['localhost', '127.0.0.1', '[::1]'].includes(new URL(url).hostname))
    fail('Only a service on this machine is measured');
};

/** Milliseconds from the submit of a sum to the frame that says COMPLETED. */
export const submitToFrame = async (url: string, more: object = {}): Promise<number> => {
  const startedAt = performance.now();
  const response = await fetch(`${url}/tasks`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ type: 'sum', params: { a: 5, b: 3 }, ...more }),
  }).catch(() => fail(`No service at ${url}. Start one in another terminal: npm start`));
  const { task_id } = (await response.json()) as TaskView;
  const socket = new WebSocket(`${url.replace(/^http/, 'ws')}/tasks/${task_id}/events`);
  await new Promise<void>((resolve, reject) => {
    socket.onmessage = ({ data }) => {
      const frame = JSON.parse(String(data)) as Frame;
      if ('task' in frame && frame.task.status === 'COMPLETED') resolve();
    };
    socket.onerror = () => reject(new Error('The stream broke'));
  });
  const elapsed = performance.now() - startedAt;
  socket.close();
  return elapsed;
};

/** Median, 90th and 99th percentile, best and worst, in ms. */
export const figuresOf = (times: readonly number[]) => {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number): number =>
    Number(
      (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN).toFixed(1),
    );
  return { p50_ms: at(0.5), p90_ms: at(0.9), p99_ms: at(0.99), best_ms: at(0), worst_ms: at(1) };
};
