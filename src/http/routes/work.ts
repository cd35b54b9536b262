import { Hono } from 'hono';
import * as z from 'zod';
import { assertTypeAllowed } from '../../domain/api-key.ts';
import { toBodyView } from '../../domain/body.ts';
import { refuseFields } from '../../domain/field-errors.ts';
import { parseJson } from '../../domain/json.ts';
import { toRunView } from '../../domain/run-view.ts';
import { signRunToken } from '../../domain/run-token.ts';
import type { Task } from '../../domain/task.ts';
import { STATUSES } from '../../domain/words.ts';
import type { AppContext, AppEnv } from '../context.ts';
import { anyJson, time, toIso, typeName, whole } from '../fields.ts';
import { docs } from '../middleware/docs.ts';
import { limit } from '../middleware/limit.ts';
import { scope } from '../middleware/scope.ts';
import { json } from '../middleware/validate.ts';
import { orUnavailable } from '../read-task.ts';
import { readRun, requireRoot } from '../run-access.ts';
import { doneItem, runTokens, toEnd } from '../run-end.ts';
import { waitForWork } from '../wait-for-work.ts';

/** Of one call: results of several tasks may come together. */
const MAX_WORK_BYTES = 4 * 1_024 * 1_024;
const MAX_WAIT_SECONDS = 25;

const workRequest = z.strictObject({
  worker: z
    .string()
    .min(1)
    .max(100)
    .meta({
      description:
        'A name by which people know this worker, of this process alone: a request that waits ends ' +
        'another one of the same worker',
    }),
  types: z.array(typeName).max(100).meta({ description: 'The types that it runs' }),
  max: z.int().min(0).max(100).default(1).meta({ description: 'Tasks that it can take now' }),
  wait_seconds: z
    .number()
    .min(0)
    .max(MAX_WAIT_SECONDS)
    .default(0)
    .meta({ description: 'Holds the answer back until there is a task' }),
  done: z
    .array(doneItem)
    .max(100)
    .default([])
    .meta({ description: 'How runs ended; it may be repeated' }),
  alive: runTokens.meta({ description: 'Runs that go on: their leases are renewed' }),
});

const workAnswer = z
  .strictObject({
    tasks: z.array(
      z.strictObject({
        task_id: z.uuid(),
        type: z.string(),
        attempt: whole,
        params: anyJson,
        checkpoint: anyJson,
        tags: z.array(z.string()),
        submitted_at: time,
        traceparent: z.string().nullable(),
        timeout_seconds: z.number(),
        lease_until: time.meta({ description: 'Say before then that it is alive, or done' }),
        run: z.string().meta({ description: 'The token of this run' }),
      }),
    ),
    ended: z.array(z.string()).meta({
      description: 'Of `alive`: runs that are over, cancelled or taken back. Drop them',
    }),
    settled: z.array(
      z.strictObject({
        run: z.string(),
        status: z.enum(STATUSES).nullable().meta({ description: 'Of its task; null: deleted' }),
        recorded: z.boolean().meta({ description: 'false: the run was over before' }),
      }),
    ),
  })
  .meta({ id: 'Work' });

/** The types of the request, which must be registered for workers. */
const assertTypes = async (c: AppContext, types: readonly string[]): Promise<void> => {
  const { catalog } = c.get('services');
  const owner = c.get('owner');
  const loading = catalog.load(owner, types);
  if (loading) await orUnavailable(c, () => loading);
  for (const type of types) assertTypeAllowed(c.get('identity').taskTypes, type);
  const wrong = types.flatMap((type, i) => {
    const known = catalog.find(owner, type);
    if (known?.outside?.kind === 'worker') return [];
    const message =
      known === undefined
        ? `There is no type \`${type}\` for workers: register it with PUT /task-types/${type}`
        : `\`${type}\` is no type for workers`;
    return [{ in: 'body' as const, path: `types.${i}`, code: 'unknown_type', message }];
  });
  if (wrong.length > 0) refuseFields(wrong);
};

const toWorkView = async (root: string, task: Task, keyId: string | null) => ({
  ...toRunView(task),
  params: toBodyView(task.params, '/runs/params'),
  checkpoint: task.checkpoint === null ? null : parseJson(task.checkpoint),
  traceparent: task.traceparent,
  timeout_seconds: task.timeout_ms / 1_000,
  lease_until: toIso(task.wake_at ?? 0),
  run: await signRunToken(root, task, keyId),
});

/** A worker's one call: what it did, what it still does, and what it can take. */
export const workRoutes = new Hono<AppEnv>().post(
  '/',
  docs({
    id: 'work',
    tag: 'Workers',
    summary: 'Record what a worker did, keep what it does, and give it more',
    description:
      'Records `done`, renews `alive`, then leases up to `max` tasks. A lease lasts 10 seconds ' +
      'until the run is first named in `alive`, then a minute; a worker that is not heard of ' +
      'loses it, and the task is run again. One that stops says so with no types. The clients `tasker-client` and `tasker` (Python) ' +
      'do all of this.',
    answers: { 200: { description: 'What there is to do', body: workAnswer } },
    errors: ['invalid_request', 'run_invalid', 'type_not_allowed', 'callbacks_not_configured'],
    examples: { idle: { worker: 'laptop', types: [], max: 0 } },
  }),
  scope('work'),
  limit('writes'),
  json(workRequest, { maxBytes: MAX_WORK_BYTES }),
  async (c) => {
    const asked = c.req.valid('json');
    const owner = c.get('owner');
    const { work } = c.get('services');
    const root = requireRoot(c);
    await assertTypes(c, asked.types);
    const readOwn = async (token: string) => {
      const run = await readRun(c, token);
      // Of another owner: as unknown as one that was never made.
      return run.owner === owner ? run : { ...run, owner, attempt: -1 };
    };
    const ends = await Promise.all(
      asked.done.map(async (item) => ({
        run: await readOwn(item.run),
        end: toEnd(item),
      })),
    );
    const alive = await Promise.all(asked.alive.map(readOwn));
    const settled = await orUnavailable(c, () => work.settle(ends));
    const renewed = await orUnavailable(c, () => work.renew(alive));
    const tasks = await waitForWork(c, asked);
    return c.json({
      tasks: await Promise.all(
        tasks.map((task) => toWorkView(root, task, c.get('identity').keyId)),
      ),
      ended: asked.alive.filter((_, i) => !renewed.has(alive[i]?.id ?? '')),
      settled: settled.map((each, i) => ({ run: asked.done[i]?.run ?? '', ...each })),
    });
  },
);
