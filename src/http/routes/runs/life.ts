import { Hono } from 'hono';
import * as z from 'zod';
import { toProgress } from '../../../domain/frames.ts';
import type { AppEnv } from '../../context.ts';
import { docs } from '../../middleware/docs.ts';
import { json } from '../../middleware/validate.ts';
import { findRun, runAccess } from '../../run-access.ts';
import { checkpointData } from '../../run-end.ts';
import { alive, renew, RUN } from './run.ts';

/** That a run goes on, and how far it is. */
export const lifeRoutes = new Hono<AppEnv>()
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
      const progress = JSON.stringify({ fraction, note: note ?? null });
      const { version, answer } = await renew(c, run, { progress });
      if (version !== null) {
        const step = toProgress({ id: run.id, version }, fraction, note);
        const { boards } = c.get('services');
        c.executionCtx.waitUntil(boards.publishRuns(run.owner, [step], []).catch(() => {}));
      }
      return c.json(answer);
    },
  )
  .post(
    '/checkpoint',
    docs({
      ...RUN,
      id: 'saveRunCheckpoint',
      summary: 'Save where another run would go on, which renews its lease as well',
      answers: { 200: { description: 'Until when it is yours', body: alive } },
      examples: { page: { data: { page: 7 } } },
    }),
    runAccess(),
    json(z.strictObject({ data: checkpointData })),
    async (c) => {
      const checkpoint = JSON.stringify(c.req.valid('json').data);
      return c.json((await renew(c, await findRun(c), { checkpoint })).answer);
    },
  );
