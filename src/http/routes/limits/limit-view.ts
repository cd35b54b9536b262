import * as z from 'zod';
import { SLICE_MS } from '../../../domain/limit.ts';
import type { LimitFigures, LimitState } from '../../../store/limit-reads.ts';
import { time, timeOrNull, toIso, toIsoOrNull, whole } from '../../fields.ts';

/** How the path parameter of a limit is documented. */
export const LIMIT_KEY = { key: { description: 'The key of a limit' } };

const maxRunning = whole
  .nullable()
  .meta({ description: 'Tasks that run at once; null: any number' });
const rate = z
  .strictObject({
    count: whole,
    per_seconds: z.number(),
    burst: whole.meta({ description: 'Tasks that may begin together' }),
  })
  .nullable()
  .meta({ description: '`count` begin in `per_seconds`, evenly; null: as fast as may be' });

const fields = {
  key: z.string(),
  max_running: maxRunning,
  rate,
  sub: z
    .strictObject({ max_running: maxRunning, rate })
    .nullable()
    .meta({ description: 'For each sub-key' }),
  running: whole.meta({ description: 'Tasks that were let go and have not ended their attempt' }),
  waiting: whole.meta({ description: 'At most 10 000 are counted, 1 000 in a list' }),
  tokens: z.number().nullable().meta({
    description: 'What is left of the rate: so many may begin now; null without one',
  }),
  paused_until: timeOrNull.meta({ description: 'Nothing begins before; the year 9999: for ever' }),
  created_at: time,
  updated_at: time,
};

export const limitSchema = z.strictObject(fields).meta({ id: 'Limit' });

export const limitDetailSchema = z
  .strictObject({
    ...fields,
    pace: z
      .number()
      .nullable()
      .meta({ description: 'Tasks that ended in a second, lately; null where that is not known' }),
    top_waiting: z
      .array(z.strictObject({ sub_key: z.string(), waiting: whole, running: whole }))
      .meta({ description: 'The ten sub-keys with the most that wait' }),
  })
  .meta({ id: 'LimitDetail' });

const toRate = (count: number | null, ms: number | null, burst: number | null) => {
  if (count === null || ms === null) return null;
  const inSlice = (count * SLICE_MS) / ms;
  return {
    count,
    per_seconds: ms / 1_000,
    burst: Math.max(1, Math.floor(Math.max(burst ?? 1, inSlice) + inSlice)),
  };
};

const toSub = (row: LimitState) => {
  const { sub_max_running: max_running, sub_rate_count, sub_rate_ms, sub_rate_burst } = row;
  const own = toRate(sub_rate_count, sub_rate_ms, sub_rate_burst);
  return max_running === null && own === null ? null : { max_running, rate: own };
};

/** A limit as answers have it. */
export const toLimitView = (row: LimitState, now: number) => ({
  key: row.key,
  max_running: row.max_running,
  rate: toRate(row.rate_count, row.rate_ms, row.rate_burst),
  sub: toSub(row),
  running: row.running,
  waiting: row.waiting,
  tokens: row.tokens_now === null ? null : Math.max(0, Math.floor(row.tokens_now + 1e-6)),
  paused_until: toIsoOrNull((row.paused_until ?? 0) > now ? row.paused_until : null),
  created_at: toIso(row.created_at),
  updated_at: toIso(row.updated_at),
});

interface TopWaiting {
  sub_key: string;
  waiting: number;
  running: number;
}

export const toLimitDetail = (row: LimitFigures, now: number) => ({
  ...toLimitView(row, now),
  pace: row.pace,
  top_waiting: JSON.parse(row.top_waiting) as TopWaiting[],
});
