import { assertTypeAllowed } from '../domain/api-key.ts';
import { AppError } from '../domain/errors.ts';
import { RATES } from '../domain/rates.ts';
import type { AllowRetry } from '../engine/flow-commands.ts';
import type { AppContext } from './context.ts';
import { consumeRate } from './middleware/limit.ts';
import { orUnavailable } from './read-task.ts';

/**
 * Asks for tasks that go back: each is a run like a submit's, for what the key may run, for what it costs
 * and for what its owner may have. More than the rate of metered types takes all of that.
 */
export const allowRetry =
  (c: AppContext): AllowRetry =>
  async (types) => {
    const { dispatcher, catalog } = c.get('services');
    const owner = c.get('owner');
    for (const type of new Set(types)) assertTypeAllowed(c.get('identity').taskTypes, type);
    const metered = types.filter((type) => catalog.find(owner, type)?.isMetered).length;
    await consumeRate(c, 'metered', Math.min(metered, RATES.metered.limit));
    if (await orUnavailable(c, () => dispatcher.tryReserve(owner, types.length))) return true;
    throw new AppError(
      'too_many_unfinished',
      'Too many tasks of this owner are waiting or running; let some end first',
    );
  };
