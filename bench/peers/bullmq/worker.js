import { Worker } from 'bullmq';
import { Redis } from 'ioredis';
import pg from 'pg';

const { REDIS_PORT, DATABASE_URL } = process.env;
const connection = { host: '127.0.0.1', port: Number(REDIS_PORT), maxRetriesPerRequest: null };
const db = new pg.Pool({ connectionString: DATABASE_URL, max: 10 });
const cache = new Redis(connection);

const worker = new Worker(
  'tasks',
  async ({ data: { id, params } }) => {
    const result = { operation: 'sum', ...params, result: params.a + params.b };
    await db.query({
      name: 'complete',
      text: "UPDATE tasks SET status = 'COMPLETED', result = $2, completed_at = now() WHERE id = $1",
      values: [id, result],
    });
    await cache.set(`output:${id}`, JSON.stringify(result), 'EX', 3_600);
    return result;
  },
  { connection, concurrency: 50 },
);
await worker.waitUntilReady();
console.log('ready');
