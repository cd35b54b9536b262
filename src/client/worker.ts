import { startTimer } from '../domain/timer.ts';
import { asRun, createRequest, pause, TaskerError } from './request.ts';
import { createDeferred } from './deferred.ts';
import type { WorkerOptions } from './worker-options.ts';
import { createPace } from './pace.ts';
import { createOutbox, isAboutContent, type Letter } from './outbox.ts';
import { readWork, runHandler, type LeasedTask, type WorkerHandler } from './run-handler.ts';
import { reportFailure, warn } from './warn.ts';

// A worker: a program of yours that asks a service for tasks, from anywhere, and runs them.

/** Holds the answer back for this long: shorter than proxies cut idle connections. */
const WAIT_SECONDS = 20;
/** A lease is 10 s at first. */
const BEAT_MS = 4_000;
/** Results that come so close to each other are told together. */
const GATHER_MS = 10;
/** A request that took longer was waiting. */
const LONG_MS = 1_000;
/** After this many of the service's failures in a row a pause is as long as it gets. */
const MAX_PAUSE_MS = 30_000;

/**
 * A worker that runs tasks of registered types until it is stopped.
 * @example const worker = createWorker({ baseUrl, apiKey, types: { resize: async ({ params }) =>
 * resize(params) } }); process.once('SIGTERM', () => worker.stop()); await worker.run();
 */
export const createWorker = ({
  types,
  concurrency = 8,
  name: said = 'worker',
  onError = warn,
  ...client
}: WorkerOptions) => {
  // Of this process alone: two of one name would end each other's waiting.
  const name = `${said.slice(0, 80)}-${crypto.randomUUID().slice(0, 8)}`;
  const send = createRequest({ ...client, retries: 0 });
  const names = Object.keys(types);
  const stopping = new AbortController();
  const over = new AbortController();
  const running = new Map<string, AbortController>();
  const pace = createPace(concurrency);
  const queue: LeasedTask[] = [];
  let active = 0;
  let failures = 0;
  let isStopping = false;
  let isOver = false;
  let stopTimer = (): void => {};
  let changed = createDeferred();
  const notify = (): void => {
    changed.resolve();
    changed = createDeferred();
  };

  const ask = async (more: object, letters: readonly Letter[], signal?: AbortSignal) => {
    const answer = await send(
      '/work',
      {
        method: 'POST',
        json: {
          worker: name,
          types: names,
          max: 0,
          alive: [...running.keys()].slice(0, 1_000),
          ...more,
          done: letters.map(({ end }) => end),
        },
        signal,
      },
      readWork,
    );
    failures = 0;
    for (const run of answer.ended) {
      running.get(run)?.abort(new DOMException('The run is over', 'AbortError'));
      running.delete(run);
    }
    return answer;
  };

  const outbox = createOutbox((letters) => ask({}, letters));

  const startNext = (): void => {
    while (active < concurrency && queue.length > 0) {
      const task = queue.shift() as LeasedTask;
      const abort = running.get(task.run);
      // Taken back before it began.
      if (!abort) continue;
      active += 1;
      const startedAt = performance.now();
      const handler = types[task.type] as WorkerHandler;
      void runHandler(handler, task, abort, asRun(send, task.run), onError).then((letter) => {
        if (letter) reportFailure(task, letter, onError);
        active -= 1;
        pace.note(performance.now() - startedAt);
        if (running.delete(task.run) && letter) outbox.add(letter);
        startNext();
        notify();
      });
    }
  };

  const take = (tasks: readonly LeasedTask[]): void => {
    if (isStopping) return;
    for (const task of tasks) {
      running.set(task.run, new AbortController());
      queue.push(task);
    }
    startNext();
  };

  /** Something went wrong between us and the service: it is asked again, later and later. */
  const recover = async (error: unknown, tookMs: number): Promise<void> => {
    if (error instanceof TaskerError && !error.isPassing) throw error;
    onError(error);
    // One that was cut while it waited says nothing of the service.
    failures = tookMs > LONG_MS ? 0 : failures + 1;
    const ms = Math.min(MAX_PAUSE_MS, 250 * 2 ** failures) * (0.5 + Math.random() / 2);
    await pause(ms, stopping.signal).catch(() => {});
  };

  /** Leases as much as there is room for; waits when there is nothing. */
  const poll = async (): Promise<void> => {
    // Quick tasks end at once: their results go along.
    await pause(0);
    const most = pace.findMost();
    const room = most - running.size;
    if (room < Math.max(1, most / 4)) return Promise.race([changed.promise, pause(GATHER_MS * 10)]);
    const letters = outbox.take();
    try {
      const answer = await ask({ max: room, wait_seconds: WAIT_SECONDS }, letters, stopping.signal);
      take(answer.tasks);
    } catch (error) {
      // One of the results may be what the service does not take.
      if (letters.length > 0 && isAboutContent(error)) return outbox.tellEach(letters);
      outbox.putBack(letters);
      throw error;
    }
  };

  const beat = async (): Promise<void> => {
    while (!isOver) {
      await pause(BEAT_MS, over.signal).catch(() => {});
      if (running.size > 0 && !isOver) await ask({}, []).catch(onError);
    }
  };

  return {
    name,

    /**
     * Runs until `stop`; rejects when the service refuses this worker: its key, or one of its
     * types.
     */
    async run(): Promise<void> {
      if (names.length === 0) throw new TypeError('A worker needs the types that it runs');
      const telling = outbox.run(GATHER_MS, onError);
      const stopBeats = startTimer(() => void beat(), 0);
      try {
        while (!isStopping) {
          const startedAt = performance.now();
          try {
            await poll();
          } catch (error) {
            if (!isStopping) await recover(error, performance.now() - startedAt);
          }
        }
        // What runs comes to its end, and is told.
        while (running.size > 0) await Promise.race([changed.promise, pause(1_000)]);
      } finally {
        isOver = true;
        // Its timer would keep the process.
        over.abort();
        stopBeats();
        stopTimer();
        stopping.abort();
        outbox.close();
        await telling;
      }
    },

    /** Takes no more tasks; `run` resolves once those that run have ended and are recorded. */
    async stop(): Promise<void> {
      isStopping = true;
      // Without types: nothing is given to a request that still waits.
      await ask({ types: [] }, []).catch(onError);
      stopTimer = startTimer(
        () => stopping.abort(new DOMException('Stopped', 'AbortError')),
        2_000,
      );
      // What was leased ahead and did not begin is left to others, by its lease.
      for (const { run } of queue.splice(0)) running.delete(run);
      notify();
    },
  };
};

export type Worker = ReturnType<typeof createWorker>;
