import { AppError } from '../../../domain/errors.ts';
import { createLimitReads } from '../../../store/limit-reads.ts';
import type { AppContext } from '../../context.ts';
import { orUnavailable } from '../../read-task.ts';
import { LIMIT_KEY, limitDetailSchema, toLimitDetail } from './limit-view.ts';

/** How routes of one limit are documented. */
export const ONE = {
  tag: 'Limits',
  params: LIMIT_KEY,
  answers: { 200: { description: 'The limit', body: limitDetailSchema } },
} as const;

/** How one stands. */
export const answerLimit = async (c: AppContext, key: string): Promise<Response> => {
  const { useStore, now } = c.get('services');
  const row = await orUnavailable(c, () =>
    useStore(createLimitReads).get(c.get('owner'), key, now()),
  );
  if (row) return c.json(toLimitDetail(row, now()));
  throw new AppError('limit_not_found', `There is no limit "${key.slice(0, 100)}"`);
};
