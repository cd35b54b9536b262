import { createApiKeyCache } from '../access/api-key-cache.ts';
import { createRateLimiter } from '../access/rate-limiter.ts';
import { RATES } from '../domain/rates.ts';
import { createSubmission, type SubmissionDeps } from '../engine/submission.ts';
import { createKeyStore } from '../store/keys.ts';
import type { Engine } from './engine.ts';
import type { Live } from './live.ts';
import type { Platform } from './platform.ts';

/** The parts that only requests need: keys, rates and submission. */
export const createHttp = (
  { env, settings, log, now }: Platform,
  { store }: Engine,
  { outgoingRules }: Live,
  { catalog, accept }: Pick<SubmissionDeps, 'catalog' | 'accept'>,
) => {
  const keys = createKeyStore(env.DB);
  return {
    keys,
    apiKeyCache: createApiKeyCache({ store: keys, now }),
    rates: {
      writes: createRateLimiter({ limiter: env.RATE_WRITES, weight: RATES.writes.weight, now }),
      metered: env.RATE_METERED,
    },
    submission: createSubmission({
      catalog,
      store,
      accept,
      outgoingRules,
      secrets: settings,
      canSign: settings.WEBHOOK_SECRETS.length > 0,
      now,
      log,
    }),
  };
};
