import { createWorker } from '../../../src/client/index.ts';

// A worker process that tests and the soak start and kill: `node node-worker.ts <url> <type>`.

const [, , baseUrl = '', type = ''] = process.argv;
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const worker = createWorker({
  baseUrl,
  concurrency: 4,
  types: {
    [type]: async ({ params, attempt, progress }) => {
      const { ms = 0, failures = 0 } = params as { ms?: number; failures?: number };
      if (attempt <= failures) throw new Error(`Attempt ${attempt} fails on purpose`);
      if (ms > 1_000) progress(0.5, 'half');
      await sleep(ms);
      return { by: 'node', attempt };
    },
  },
});
process.once('SIGTERM', () => void worker.stop());
await worker.run();
