import { appendFileSync } from 'node:fs';
import { createWorker } from '../../../src/client/index.ts';

// A worker whose tasks have ten steps, which tests kill: `node step-worker.ts <url> <type> <file>`. It
// notes each step that it runs, and each that has resolved.

const [, , baseUrl = '', type = '', file = ''] = process.argv;
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const worker = createWorker({
  baseUrl,
  concurrency: 50,
  types: {
    [type]: async ({ taskId, step }) => {
      const done: number[] = [];
      for (let i = 0; i < 10; i += 1) {
        await step(`step ${i}`, async () => {
          appendFileSync(file, `ran ${taskId} ${i}\n`);
          await sleep(200 * Math.random());
          return i;
        }).then((n) => done.push(n));
        appendFileSync(file, `resolved ${taskId} ${i}\n`);
      }
      return done;
    },
  },
});
await worker.run();
