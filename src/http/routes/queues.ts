import { Hono } from 'hono';
import * as z from 'zod';
import type { AuditAction } from '../../domain/audit.ts';
import { AppError } from '../../domain/errors.ts';
import { QUEUES, type QueueName } from '../../domain/routing.ts';
import { LANES, PRIORITIES } from '../../domain/words.ts';
import type { QueueState } from '../../store/queues.ts';
import { getAllServices } from '../../wiring/services.ts';
import type { AppContext, AppEnv } from '../context.ts';
import { timeOrNull, toIsoOrNull, whole } from '../fields.ts';
import { docs } from '../middleware/docs.ts';
import { answerHead } from '../middleware/head.ts';
import { limit } from '../middleware/limit.ts';
import { scope } from '../middleware/scope.ts';
import { noQuery } from '../middleware/validate.ts';
import { orUnavailable } from '../read-task.ts';
import { recordAudit } from '../record-audit.ts';

export const queueSchema = z
  .strictObject({
    name: z.enum(QUEUES),
    lane: z.enum(LANES),
    priority: z.enum(PRIORITIES),
    paused: z.boolean(),
    paused_at: timeOrNull,
    paused_by: z
      .string()
      .nullable()
      .meta({ description: 'The name of the key by which it was paused' }),
    pending: whole.meta({ description: 'The same as `waiting`' }),
    waiting: whole.meta({
      description: 'Tasks of the table that wait, paused or not; at most 10 000 are counted',
    }),
    in_progress: whole,
    oldest_waiting_seconds: z.number().nullable(),
    backlog: whole.nullable().meta({
      description:
        'Messages, each of up to a hundred tasks, as the platform reports them; null when it does not',
    }),
  })
  .meta({ id: 'Queue' });
const queueListSchema = z.strictObject({ queues: z.array(queueSchema) });

const readQueueName = (c: AppContext): QueueName => {
  const name = QUEUES.find((each) => each === c.req.param('name'));
  if (name) return name;
  const message = `There is no such queue. The queues: ${QUEUES.join(', ')}`;
  throw new AppError('queue_not_found', message);
};

/** How a queue stands: by the table, and by what the platform reports of it. */
const toQueueView = async (c: AppContext, state: QueueState) => {
  const { taskQueues, now } = c.get('services');
  const { name, paused_at, paused_by, pending, in_progress, oldest_due_at } = state;
  const [lane, priority] = name.split('-');
  const { backlog } = await taskQueues.metrics(name);
  return {
    name,
    lane,
    priority: priority?.toUpperCase(),
    paused: paused_at !== null,
    paused_at: toIsoOrNull(paused_at),
    paused_by,
    pending,
    waiting: pending,
    in_progress,
    oldest_waiting_seconds:
      oldest_due_at === null ? null : Math.max(0, (now() - oldest_due_at) / 1_000),
    backlog: Number.isFinite(backlog) ? backlog : null,
  };
};

/** Queues of several shards as those of all. */
const addUp = ([first = [], ...others]: readonly QueueState[][]): QueueState[] =>
  first.map((state) => {
    const same = [state, ...others.flatMap((all) => all.filter(({ name }) => name === state.name))];
    const sum = (count: 'pending' | 'in_progress'): number =>
      same.reduce((total, each) => total + each[count], 0);
    const due = same.flatMap(({ oldest_due_at }) => oldest_due_at ?? []);
    return {
      ...state,
      pending: sum('pending'),
      in_progress: sum('in_progress'),
      oldest_due_at: due.length > 0 ? Math.min(...due) : null,
    };
  });

const readQueues = async (c: AppContext) => {
  const states = await orUnavailable(c, async () =>
    addUp(
      await Promise.all(getAllServices(c.env).map(({ queueStore, now }) => queueStore.list(now()))),
    ),
  );
  return Promise.all(states.map((state) => toQueueView(c, state)));
};

const COMMAND = {
  tag: 'Types and queues',
  answers: { 200: { description: 'How it stands', body: queueSchema } },
  errors: ['queue_not_found'],
} as const;

const runQueueCommand =
  (name: 'pauseQueue' | 'resumeQueue', action: AuditAction) =>
  async (c: AppContext): Promise<Response> => {
    const queue = readQueueName(c);
    const { keyName } = c.get('identity');
    // Each may be repeated: it is answered once all have done it.
    for (const { commands } of getAllServices(c.env))
      await orUnavailable(c, () => commands[name](queue, keyName));
    await recordAudit(c, action, c.get('owner'), queue);
    return c.json((await readQueues(c)).find((view) => view.name === queue));
  };

/** `/queues`, for operators. */
export const queueRoutes = new Hono<AppEnv>()
  .get(
    '/',
    docs({
      id: 'listQueues',
      tag: 'Types and queues',
      summary: 'How each queue stands',
      answers: { 200: { description: 'All queues', body: queueListSchema } },
    }),
    scope('operator'),
    noQuery(),
    answerHead(),
    async (c) => c.json({ queues: await readQueues(c) }),
  )

  .post(
    '/:name/pause',
    docs({
      ...COMMAND,
      id: 'pauseQueue',
      summary: 'Pause a queue: what is submitted to it waits',
    }),
    scope('operator'),
    limit('writes'),
    runQueueCommand('pauseQueue', 'queue.paused'),
  )

  .post(
    '/:name/resume',
    docs({ ...COMMAND, id: 'resumeQueue', summary: 'Resume a queue' }),
    scope('operator'),
    limit('writes'),
    runQueueCommand('resumeQueue', 'queue.resumed'),
  );
