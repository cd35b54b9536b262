import { Hono } from 'hono';
import * as z from 'zod';
import { STATUSES } from '../../../domain/words.ts';
import type { RunEnd } from '../../../engine/run-ends.ts';
import type { AppContext, AppEnv } from '../../context.ts';
import { docs } from '../../middleware/docs.ts';
import { json } from '../../middleware/validate.ts';
import { orUnavailable } from '../../read-task.ts';
import { findRun, runAccess } from '../../run-access.ts';
import { completion, failed, snoozed, toFailed, toSnoozed } from '../../run-end.ts';
import { refuseOver, RUN } from './run.ts';

/** Of a result with what is around it. */
const MAX_RESULT_CALL_BYTES = 1_100_000;

const ended = z.strictObject({ status: z.enum(STATUSES) });

/** Ends a run by its own token. */
const settle = async (c: AppContext, end: RunEnd): Promise<Response> => {
  const run = await findRun(c);
  const { work } = c.get('services');
  const [settled] = await orUnavailable(c, () => work.settle([{ run, end }]));
  if (!settled?.recorded) return refuseOver(c, run);
  return c.json({ status: settled.status });
};

/** How a run ends. */
export const endRoutes = new Hono<AppEnv>()
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
  )
  .post(
    '/snooze',
    docs({
      ...RUN,
      id: 'snoozeRun',
      summary: 'End a run that is to go on later, without using an attempt',
      description: 'At most 100 times in a row.',
      answers: { 200: { description: 'The status of its task', body: ended } },
      examples: { hour: { seconds: 3_600, checkpoint: { seen: 12 } } },
    }),
    runAccess(),
    json(snoozed),
    (c) => settle(c, toSnoozed(c.req.valid('json'))),
  );
