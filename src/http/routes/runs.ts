import { Hono } from 'hono';
import * as z from 'zod';
import { AppError } from '../../domain/errors.ts';
import type { RunKey } from '../../domain/run-token.ts';
import { STATUSES } from '../../domain/words.ts';
import { toProgress } from '../../domain/frames.ts';
import type { RunEnd } from '../../engine/work.ts';
import type { AppContext, AppEnv } from '../context.ts';
import { time, toIso } from '../fields.ts';
import { docs } from '../middleware/docs.ts';
import { json } from '../middleware/validate.ts';
import { orUnavailable } from '../read-task.ts';
import { findRun, runAccess } from '../run-access.ts';
import { completion, failed, toFailed } from '../run-end.ts';

/** Of a result with what is around it. */
const MAX_RESULT_CALL_BYTES = 1_100_000;

const RUN = {
  tag: 'Workers',
  errors: ['run_over'],
} as const;
const ended = z.strictObject({ status: z.enum(STATUSES) });

const alive = z.strictObject({
  lease_until: time.nullable(),
  cancelled: z.boolean().meta({ description: 'true: drop the work' }),
});

const refuseOver = async (c: AppContext, { owner, id }: RunKey): Promise<never> => {
  const { store } = c.get('services');
  const task = await orUnavailable(c, () => store.get(owner, id));
  const status = task?.status ?? null;
  throw new AppError(
    'run_over',
    status === null ? 'The task was deleted' : `This run is over; its task is ${status}`,
    { members: { status } },
  );
};

/** Ends a run by its own token. */
const settle = async (c: AppContext, end: RunEnd): Promise<Response> => {
  const run = await findRun(c);
  const { work } = c.get('services');
  const [settled] = await orUnavailable(c, () => work.settle([{ run, end }]));
  if (!settled?.recorded) return refuseOver(c, run);
  return c.json({ status: settled.status });
};

/** Renews the lease, and says until when it lasts. */
const renew = async (
  c: AppContext,
  run: RunKey,
  progress: string | null = null,
): Promise<{ version: number | null; answer: z.output<typeof alive> }> => {
  const { work, store } = c.get('services');
  const renewed = (await orUnavailable(c, () => work.renew([run], progress))).get(run.id);
  if (renewed) {
    const { until, version } = renewed;
    return { version, answer: { lease_until: toIso(until), cancelled: false } };
  }
  const task = await orUnavailable(c, () => store.get(run.owner, run.id));
  if (task?.status !== 'CANCELLED') return refuseOver(c, run);
  return { version: null, answer: { lease_until: null, cancelled: true } };
};

/** `/runs`: what a run outside says of itself, with the token that came with its task. */
export const runRoutes = new Hono<AppEnv>()
  .post(
    '/heartbeat',
    docs({
      ...RUN,
      id: 'heartbeatRun',
      summary: 'Say that a run goes on',
      answers: { 200: { description: 'Until when it is yours', body: alive } },
      examples: { beat: {} },
    }),
    runAccess(),
    json(z.strictObject({}), { optional: true }),
    async (c) => c.json((await renew(c, await findRun(c))).answer),
  )
  .post(
    '/progress',
    docs({
      ...RUN,
      id: 'reportRunProgress',
      summary: 'Say how far a run is, which renews its lease as well',
      answers: { 200: { description: 'Until when it is yours', body: alive } },
      examples: { half: { fraction: 0.5, note: '5 of 10 pages' } },
    }),
    runAccess(),
    json(
      z.strictObject({
        fraction: z.number().min(0).max(1),
        note: z.string().max(200).optional(),
      }),
    ),
    async (c) => {
      const run = await findRun(c);
      const { fraction, note } = c.req.valid('json');
      const said = JSON.stringify({ fraction, note: note ?? null });
      const { version, answer } = await renew(c, run, said);
      if (version !== null) {
        const step = toProgress({ id: run.id, version }, fraction, note);
        const { boards } = c.get('services');
        c.executionCtx.waitUntil(boards.publishProgress(run.owner, [step]).catch(() => false));
      }
      return c.json(answer);
    },
  )
  .post(
    '/complete',
    docs({
      ...RUN,
      id: 'completeRun',
      summary: 'End a run with its result',
      answers: { 200: { description: 'The status of its task', body: ended } },
      examples: { done: { result: { width: 200 } } },
    }),
    runAccess(),
    json(completion, { optional: true, maxBytes: MAX_RESULT_CALL_BYTES }),
    (c) => settle(c, { kind: 'completed', result: c.req.valid('json').result }),
  )
  .post(
    '/fail',
    docs({
      ...RUN,
      id: 'failRun',
      summary: 'End a run that failed',
      answers: { 200: { description: 'The status of its task', body: ended } },
      examples: { later: { error: { message: 'The disk is full' }, retry_after_seconds: 60 } },
    }),
    runAccess(),
    json(failed),
    (c) => settle(c, toFailed(c.req.valid('json'))),
  );
