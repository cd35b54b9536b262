import type { CommitListener } from '../domain/commit-listener.ts';
import { readScheduleKey } from '../domain/schedule-key.ts';
import { isFinal } from '../domain/words.ts';

/**
 * Wakes the clock when a task of a schedule has ended: another moment may wait for it, which a trigger
 * has made due. Should nobody hear of it, the clock finds it within a minute.
 */
export const createScheduleListener = ({
  ensureAlarmBy,
  now,
}: {
  ensureAlarmBy(at: number): Promise<void>;
  now(): number;
}): CommitListener => ({
  name: 'schedules',
  onCommit: (tasks) => {
    const isOver = tasks.some(
      ({ status, version, idempotency_key: key }) =>
        isFinal(status) && version > 1 && readScheduleKey(key) !== null,
    );
    return isOver ? ensureAlarmBy(now()) : undefined;
  },
});
