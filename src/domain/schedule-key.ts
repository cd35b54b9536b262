// A task that a schedule made has a key of its own, which says of which schedule and for which
// moment. Callers may not use such keys, so it makes a moment's task once, however often it is tried.
// A trigger reads them too.

const SHAPE = /^schedule:([0-9a-f-]{36}):(.+)$/;
const BY_HAND = 'by-hand:';

/** The key of the task for a moment (ms). */
export const toMomentKey = (scheduleId: string, moment: number): string =>
  `schedule:${scheduleId}:${moment}`;

/** The key of a task that somebody asked for. @param name tells such tasks apart */
export const toTriggerKey = (scheduleId: string, name: string): string =>
  `schedule:${scheduleId}:${BY_HAND}${name}`;

/** What a task's key tells of the schedule that made it; null: none did. */
export const readScheduleKey = (
  key: string | null,
): { scheduleId: string; scheduledFor: number | null } | null => {
  const [, scheduleId, moment] = SHAPE.exec(key ?? '') ?? [];
  if (scheduleId === undefined || moment === undefined) return null;
  return {
    scheduleId,
    scheduledFor: moment.startsWith(BY_HAND) ? null : Number(moment),
  };
};
