import type * as z from 'zod';
import type { LimitForm } from '../domain/limit.ts';
import type { limitDetailSchema, limitSchema } from '../http/routes/limits/limit-view.ts';
import { may } from './api.ts';

/** Limits as the service answers with them. */
export type LimitRow = z.output<typeof limitSchema>;
export type LimitAnswer = z.output<typeof limitDetailSchema>;
type Rate = NonNullable<LimitRow['rate']>;

export const mayWriteLimits = (): boolean => may('limits:write') || may('admin');

export const toLimitPath = (key: string): string => `/limits/${encodeURIComponent(key)}`;

/** `100 in 1 min`. */
export const toRateWords = ({ count, per_seconds: seconds }: Rate): string => {
  if (seconds === 1) return `${count} a second`;
  if (seconds === 60) return `${count} a minute`;
  if (seconds === 3_600) return `${count} an hour`;
  return `${count} in ${seconds} s`;
};

/** The numbers of a limit as a request gives them. */
export interface LimitSettings {
  max_running: number | null;
  rate: Pick<Rate, 'count' | 'per_seconds'> | null;
  subMax: number | null;
  subRate: Pick<Rate, 'count' | 'per_seconds'> | null;
}

export const toSettings = ({ max_running, rate, sub }: LimitRow): LimitSettings => ({
  max_running,
  rate,
  subMax: sub?.max_running ?? null,
  subRate: sub?.rate ?? null,
});

const toRateBody = (rate: LimitSettings['rate']): LimitForm['rate'] =>
  rate === null ? undefined : { count: rate.count, per_seconds: rate.per_seconds };

export const toBody = ({ max_running, rate, subMax, subRate }: LimitSettings): object => ({
  max_running: max_running ?? undefined,
  rate: toRateBody(rate),
  ...((subMax ?? subRate) !== null && {
    sub: { max_running: subMax ?? undefined, rate: toRateBody(subRate) },
  }),
});

/** Whether its pause has no end. */
export const isPausedForEver = ({ paused_until }: LimitRow): boolean =>
  paused_until?.startsWith('9999') ?? false;
