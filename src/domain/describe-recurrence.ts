import cronstrue from 'cronstrue';
import { toFields, type Recurrence } from './recurrence.ts';

/** In words: `At 02:30`, `Every 15 minutes`. */
export const describeRecurrence = (recurrence: Recurrence): string => {
  if ('everyMs' in recurrence) {
    const minutes = recurrence.everyMs / 60_000;
    return minutes === 1 ? 'Every minute' : `Every ${minutes} minutes`;
  }
  const options = { use24HourTimeFormat: true, throwExceptionOnParseError: false };
  return cronstrue.toString(toFields(recurrence.cron).join(' '), options);
};
