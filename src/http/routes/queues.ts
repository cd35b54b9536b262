import { Hono } from 'hono';
import { AppError } from '../../domain/errors.ts';
import { QUEUES, type QueueName } from '../../domain/routing.ts';
import type { AppContext, AppEnv } from '../context.ts';
import { describe } from '../openapi/operation.ts';
import { queue, queueList } from '../responses.ts';
import { asking } from '../read-task.ts';

const queueName = (c: AppContext): QueueName => {
  const name = QUEUES.find((each) => each === c.req.param('name'));
  if (!name)
    throw new AppError(
      'queue_not_found',
      `There is no such queue. The queues: ${QUEUES.join(', ')}`,
    );
  return name;
};

/** How all queues stand: by the table, and by what the platform reports of them. */
const statesOf = async (c: AppContext) => {
  const { queueStore, taskQueues, now } = c.get('services');
  const states = await asking(c, () => queueStore.list());
  return Promise.all(
    states.map(async ({ name, paused_at, pending, in_progress }) => {
      const [lane, priority] = name.split('-');
      const { backlog, oldestAt } = await taskQueues.metrics(name);
      return {
        name,
        lane,
        priority: priority?.toUpperCase(),
        paused: paused_at !== null,
        pending,
        in_progress,
        oldest_waiting_seconds: oldestAt === null ? null : Math.max(0, (now() - oldestAt) / 1_000),
        backlog: Number.isFinite(backlog) ? backlog : null,
      };
    }),
  );
};

const stateOf = async (c: AppContext, name: QueueName) =>
  (await statesOf(c)).find((state) => state.name === name);

const queueCommand = (id: string, summary: string) =>
  describe({
    id,
    access: 'admin',
    tag: 'Types and queues',
    summary,
    answers: { 200: { description: 'How it stands', body: queue } },
    errors: ['queue_not_found'],
  });

export const queues = new Hono<AppEnv>()
  .get(
    '/',
    describe({
      id: 'listQueues',
      access: 'admin',
      tag: 'Types and queues',
      summary: 'How each queue stands',
      answers: { 200: { description: 'All queues', body: queueList } },
    }),
    async (c) => c.json({ queues: await statesOf(c) }),
  )

  .post(
    '/:name/pause',
    queueCommand('pauseQueue', 'Pause a queue: what is submitted to it waits'),
    async (c) => {
      const name = queueName(c);
      await asking(c, () => c.get('services').commands.pauseQueue(name));
      c.get('log').info('queue_paused', { queue: name });
      return c.json(await stateOf(c, name));
    },
  )

  .post('/:name/resume', queueCommand('resumeQueue', 'Resume a queue'), async (c) => {
    const name = queueName(c);
    await asking(c, () => c.get('services').commands.resumeQueue(name));
    c.get('log').info('queue_resumed', { queue: name });
    return c.json(await stateOf(c, name));
  });
