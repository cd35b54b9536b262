import {
  createBudgetLimiter,
  createKeyLimiter,
  createRateLimiter,
} from '../access/rate-limiter.ts';
import { createTurns } from '../access/turns.ts';
import { RATES } from '../domain/rates.ts';
import { createChildren, type ChildrenDeps } from '../engine/children.ts';
import { createFlowSubmission, type FlowSubmissionDeps } from '../engine/flow-submission.ts';
import { createScheduleCommands, type ScheduleCommandDeps } from '../engine/schedule-commands.ts';
import { createSubmission, type SubmissionDeps } from '../engine/submission.ts';
import { createFamily } from '../store/family.ts';
import type { Engine } from './engine.ts';
import type { Live } from './live.ts';
import type { Platform } from './platform.ts';
import type { Shared } from './shared.ts';

/** The parts that only requests need: keys, rates and submission. */
export const createHttp = (
  { env, db, settings, log, now, wait }: Platform,
  { store, schedules, flows, uniqueTasks, limitCommands, directRunner }: Engine,
  { outgoingRules }: Live,
  deps: Pick<Shared, 'keys' | 'apiKeyCache'> &
    Pick<SubmissionDeps, 'catalog' | 'accept' | 'tryReserve' | 'largeBodies'> &
    Pick<FlowSubmissionDeps, 'acceptFlow'> &
    Pick<ChildrenDeps, 'tryConsume'> &
    Pick<ScheduleCommandDeps, 'ensureAlarmBy' | 'tickNow'>,
) => {
  const publicHost = settings.PUBLIC_URL === undefined ? '' : new URL(settings.PUBLIC_URL).hostname;
  const submissionDeps = {
    ...deps,
    store,
    uniqueTasks,
    directRunner,
    ensureLimits: limitCommands.ensure,
    outgoingRules,
    secrets: settings,
    canSign: settings.ROOT_SECRET !== undefined,
    hasSearchIndex: settings.SEARCH_INDEX === 'params',
    now,
    log,
  };
  const submission = createSubmission(submissionDeps);
  return {
    publicHost,
    /** For the Dispatcher, which stores tasks itself. */
    submitBy: (accept: SubmissionDeps['accept']) =>
      createSubmission({ ...submissionDeps, accept }).submit,
    scheduleCommands: createScheduleCommands({
      schedules,
      submission,
      ensureAlarmBy: deps.ensureAlarmBy,
      tickNow: deps.tickNow,
      now,
    }),
    keys: deps.keys,
    apiKeyCache: deps.apiKeyCache,
    rates: {
      writes: createRateLimiter({ limiter: env.RATE_WRITES, weight: RATES.writes.weight, now }),
      reads: createRateLimiter({ limiter: env.RATE_READS, weight: RATES.reads.weight, now }),
      metered: createBudgetLimiter({
        limiter: env.RATE_METERED,
        most: RATES.metered.limit,
        now,
      }),
      ofKey: createKeyLimiter({ limiter: env.RATE_METERED, now }),
    },
    /** Heavy reads: one at a time for each owner. */
    turns: createTurns({ now, wait }),
    submission,
    flowSubmission: createFlowSubmission({ ...submissionDeps, flows }),
    children: createChildren({
      submit: submission.submit,
      family: createFamily(db),
      tryConsume: deps.tryConsume,
      publicHost,
    }),
  };
};
