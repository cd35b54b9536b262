import * as z from 'zod';
import { AppError } from '../../../domain/errors.ts';
import type { RunKey } from '../../../domain/run-token.ts';
import type { AppContext } from '../../context.ts';
import { time, toIso } from '../../fields.ts';
import { orUnavailable } from '../../read-task.ts';

// What all calls of a run have in common.

export const RUN = {
  tag: 'Workers',
  errors: ['run_over'],
} as const;

export const alive = z.strictObject({
  lease_until: time.nullable(),
  cancelled: z.boolean().meta({ description: 'true: drop the work' }),
});

/** 409, with how its task stands. */
export const refuseOver = async (c: AppContext, { owner, id }: RunKey): Promise<never> => {
  const { store } = c.get('services');
  const task = await orUnavailable(c, () => store.get(owner, id));
  const status = task?.status ?? null;
  throw new AppError(
    'run_over',
    status === null ? 'The task was deleted' : `This run is over; its task is ${status}`,
    { members: { status } },
  );
};

/** What is saved with a lease; JSON. */
export interface Saved {
  progress?: string;
  checkpoint?: string;
}

/** Renews the lease, and says until when it lasts. */
export const renew = async (
  c: AppContext,
  run: RunKey,
  saved: Saved = {},
): Promise<{ version: number | null; answer: z.output<typeof alive> }> => {
  const { work, store } = c.get('services');
  const renewed = (await orUnavailable(c, () => work.renew([run], saved))).get(run.id);
  if (renewed) {
    const { until, version } = renewed;
    return { version, answer: { lease_until: toIso(until), cancelled: false } };
  }
  const task = await orUnavailable(c, () => store.get(run.owner, run.id));
  if (task?.status !== 'CANCELLED') return refuseOver(c, run);
  return { version: null, answer: { lease_until: null, cancelled: true } };
};
