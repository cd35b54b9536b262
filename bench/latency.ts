import type { Frame } from '../src/announce/frames.ts';
import type { TaskView } from '../src/domain/view.ts';
import { readOptions, wholeNumber } from '../scripts/options.ts';

const HELP = `npm run bench:latency -- [options]: from the submit of a sum to its COMPLETED frame, one task at a time

  --url <url>    a service on this machine that is otherwise idle (default http://localhost:8787)
  --tasks <n>    how many (default 100)
  --json         figures for machines
  --help         this text`;

const values = readOptions(HELP, {
  url: { type: 'string', default: 'http://localhost:8787' },
  tasks: { type: 'string', default: '100' },
  json: { type: 'boolean', default: false },
});
const count = wholeNumber('tasks', values.tasks, 1, 100_000);
const isLoopback = ['localhost', '127.0.0.1', '[::1]'].includes(new URL(values.url).hostname);
if (!isLoopback) throw new Error('Only a service on this machine is measured');

/** Milliseconds from the request to the frame that says COMPLETED. */
const measure = async (a: number): Promise<number> => {
  const startedAt = performance.now();
  const response = await fetch(`${values.url}/tasks`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ type: 'sum', params: { a, b: 1 } }),
  });
  const { task_id } = (await response.json()) as TaskView;
  const socket = new WebSocket(`${values.url.replace(/^http/, 'ws')}/tasks/${task_id}/events`);
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

// The first ones wake everything up and are not counted.
for (let i = 0; i < 5; i += 1) await measure(i);
const times: number[] = [];
for (let i = 0; i < count; i += 1) times.push(await measure(i));
times.sort((a, b) => a - b);
const at = (share: number): number => Number((times[Math.min(count - 1, Math.floor(count * share))] ?? NaN).toFixed(1));
const figures = { tasks: count, p50_ms: at(0.5), p90_ms: at(0.9), p99_ms: at(0.99), min_ms: at(0) };
if (values.json) console.log(JSON.stringify(figures));
else
  console.log(
    `submit → COMPLETED frame, ${count} tasks: median ${figures.p50_ms} ms, p90 ${figures.p90_ms} ms, p99 ${figures.p99_ms} ms, best ${figures.min_ms} ms`,
  );
process.exit(0);
