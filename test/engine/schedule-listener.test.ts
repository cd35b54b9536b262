import { expect, it } from 'vitest';
import { createScheduleListener } from '../../src/engine/schedule-listener.ts';
import { aTask } from '../support/rows.ts';

it('wakes the clock for the end of a task that a schedule made, and for no other', async () => {
  const alarms: number[] = [];
  const listener = createScheduleListener({
    ensureAlarmBy: async (at) => void alarms.push(at),
    now: () => 5,
  });
  const made = aTask({ idempotencyKey: `schedule:${aTask().id}:1900000000000` });
  const ended = { status: 'COMPLETED', version: 3 } as const;
  await listener.onCommit([made, { ...made, status: 'IN_PROGRESS', version: 2 }]);
  await listener.onCommit([{ ...aTask({ idempotencyKey: 'k' }), ...ended }]);
  expect(alarms).toEqual([]);
  await listener.onCommit([aTask(), { ...made, ...ended }]);
  expect(alarms).toEqual([5]);
});
