import { rm } from 'node:fs/promises';
import { freePort, startService, temporaryState } from '../scripts/service.ts';
import { createTasker } from '../src/client/index.ts';
import { submitToFrame } from './measure.ts';
import { PRODUCTION, type LocalFigures } from './scale/assumptions.ts';

// What the local runtime does: its delays, for the simulation, and what comes out of them, to be compared.
// A process of its own: `npm run bench:scale -- --check` starts it.

/** docs/performance.md: what a statement costs here before it carries anything. */
const LOCAL_STATEMENT_MS = 0.6;
const LOCAL_OBJECT_MS = 0.4;

const median = (times: readonly number[]): number =>
  times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0;

const timeEach = async (count: number, work: () => Promise<unknown>): Promise<number> => {
  const times: number[] = [];
  for (let i = 0; i < count; i += 1) {
    const startedAt = performance.now();
    await work();
    times.push(performance.now() - startedAt);
  }
  return median(times);
};
const CONNECTIONS = 32;
/** Calls a second, of so many callers at once. */
const countEach = async (seconds: number, work: () => Promise<unknown>): Promise<number> => {
  let calls = 0;
  const end = performance.now() + seconds * 1_000;
  const caller = async (): Promise<void> => {
    while (performance.now() < end) {
      await work();
      calls += 1;
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, caller));
  return calls / seconds;
};

/** Measures a service of its own, which it starts and ends. */
const measureLocally = async (): Promise<LocalFigures> => {
  const state = await temporaryState();
  const service = await startService(await freePort(), state, ['LOG_LEVEL:warn']);
  try {
    const tasker = createTasker({ baseUrl: service.url });
    const submit = () => tasker.submit({ type: 'sum', params: { a: 1, b: 2 } });
    const { task_id } = await submit();
    await tasker.wait(task_id);
    const bare = () => tasker.request('/task-types/sum');
    const read = () =>
      tasker.request(`/tasks/${task_id}`, { headers: { 'Cache-Control': 'no-cache' } });
    for (let i = 0; i < 50; i += 1) await Promise.all([bare(), read(), submit()]);
    const [bareMs, readMs] = [await timeEach(200, bare), await timeEach(200, read)];
    const readsASecond = await countEach(3, read);
    for (let i = 0; i < 5; i += 1) await submitToFrame(service.url);
    const latencies: number[] = [];
    for (let i = 0; i < 100; i += 1) latencies.push(await submitToFrame(service.url));
    const submitsASecond = await countEach(4, submit);
    return {
      assumed: {
        ...PRODUCTION,
        callerWayMs: bareMs,
        databaseWayMs: Math.max(0.1, readMs - bareMs - LOCAL_STATEMENT_MS),
        statementMs: LOCAL_STATEMENT_MS,
        objectWayMs: LOCAL_OBJECT_MS,
        // One thread does all: a submit is a request and a call, as a read is a request and a statement.
        objectCallsASecond: readsASecond,
        sendBatchMs: 0.5,
        deliveryMs: [0.5, 1.5],
      },
      latency_p50_ms: median(latencies),
      submits_per_second: submitsASecond,
    };
  } finally {
    await service.kill();
    await rm(state, { recursive: true, force: true });
  }
};

console.log(JSON.stringify(await measureLocally()));
process.exit(0);
