import * as z from 'zod';
import { defineHandler } from './handler.ts';

const STEP_MS = 1_000;

/** Resolves after `ms`; rejects at once, and leaves no timer, when the signal aborts. */
const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop);
      resolve();
    }, ms);
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });

export const simulate = defineHandler({
  type: 'simulate',
  description: 'Waits for some seconds and reports its progress every second.',
  lane: 'external',
  params: z.strictObject({ duration: z.number().min(0).max(600).default(1) }),
  example: { duration: 3 },
  timeoutMs: ({ duration }) => duration * 1_000 + 10_000,
  run: async ({ params: { duration }, signal, progress }) => {
    const totalMs = duration * 1_000;
    for (let elapsedMs = 0; elapsedMs < totalMs; elapsedMs += STEP_MS) {
      progress(elapsedMs / totalMs, `${elapsedMs / 1_000} of ${duration} s`);
      await pause(Math.min(STEP_MS, totalMs - elapsedMs), signal);
    }
    progress(1, 'done');
    return `Task completed in ${duration} seconds`;
  },
});
