// A worker that counts words: node examples/worker.mjs
import { createTasker, createWorker } from 'tasker-client';

const baseUrl = process.env.TASKER_URL ?? 'http://localhost:8787';
const apiKey = process.env.TASKER_API_KEY;

await createTasker({ baseUrl, apiKey }).registerType('count_words', {
  description: 'Counts the words of a text',
  run: { worker: {} },
  params: { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] },
  example: { text: 'to be or not to be' },
});
const worker = createWorker({
  baseUrl,
  apiKey,
  types: { count_words: ({ params }) => ({ words: params.text.split(/\s+/).length }) },
});
process.once('SIGTERM', () => worker.stop());
process.once('SIGINT', () => worker.stop());
await worker.run();
