// The service that teams build with Hono, BullMQ, Redis and PostgreSQL: a row, a job, a worker that records it.
import { randomUUID } from 'node:crypto';
import { serve } from '@hono/node-server';
import { Queue, QueueEvents } from 'bullmq';
import { Hono } from 'hono';
import pg from 'pg';

const { PORT, REDIS_PORT, DATABASE_URL } = process.env;
const db = new pg.Pool({ connectionString: DATABASE_URL, max: 10 });
const connection = { host: '127.0.0.1', port: Number(REDIS_PORT) };
const queue = new Queue('tasks', {
  connection,
  defaultJobOptions: {
    attempts: 3,
    backoff: { type: 'exponential', delay: 1_000 },
    removeOnComplete: true,
  },
});

// Events cost whoever listens a message for each job: only while somebody waits.
let events;
let closing;
const useEvents = async () => {
  clearTimeout(closing);
  closing = setTimeout(() => {
    void events.close();
    events = undefined;
  }, 2_000);
  // It says that it is ready before it reads, and from then on: an end that comes in between nobody would
  // hear. One before is found by whoever waits: it looks first. So it begins with those of now.
  events ??= new QueueEvents('tasks', { connection, lastEventId: String(Date.now() - 10) });
  events.setMaxListeners(0);
  await events.waitUntilReady();
  return events;
};

const submit = async ({ type, params, round }, options) => {
  const id = randomUUID();
  await db.query({
    name: 'insert',
    text: "INSERT INTO tasks (id, round, type, params, status) VALUES ($1, $2, $3, $4, 'PENDING')",
    values: [id, round, type, params],
  });
  return { id, job: await queue.add(type, { id, params }, options) };
};

const app = new Hono()
  .get('/ping', (c) => c.text('pong'))
  .post('/tasks', async (c) => {
    const { id } = await submit(await c.req.json());
    return c.json({ task_id: id, status: 'PENDING' }, 202);
  })
  .post('/tasks/wait', async (c) => {
    // One that is gone before somebody waits for it would be an error.
    const { id, job } = await submit(await c.req.json(), { removeOnComplete: { count: 1_000 } });
    const result = await job.waitUntilFinished(await useEvents(), 10_000);
    return c.json({ task_id: id, status: 'COMPLETED', result });
  })
  .post('/tasks/bulk', async (c) => {
    const { tasks, round } = await c.req.json();
    const ids = tasks.map(() => randomUUID());
    await db.query({
      name: 'insert many',
      text: "INSERT INTO tasks (id, round, type, params, status) SELECT id, $1, type, params::jsonb, 'PENDING' FROM unnest($2::uuid[], $3::text[], $4::text[]) AS t(id, type, params)",
      values: [
        round,
        ids,
        tasks.map(({ type }) => type),
        tasks.map(({ params }) => JSON.stringify(params)),
      ],
    });
    await queue.addBulk(
      tasks.map(({ type, params }, i) => ({ name: type, data: { id: ids[i], params } })),
    );
    return c.json({ accepted: ids.length }, 202);
  })
  .get('/tasks/:id', async (c) => {
    const { rows } = await db.query({
      name: 'get',
      text: 'SELECT status, result FROM tasks WHERE id = $1',
      values: [c.req.param('id')],
    });
    return rows[0] ? c.json(rows[0]) : c.json({ error: 'unknown' }, 404);
  });

// As many callers wait as there are connections.
queue.setMaxListeners(0);
serve({ fetch: app.fetch, port: Number(PORT), hostname: '127.0.0.1' }, () => console.log('ready'));
