import { expect, it } from 'vitest';
import { moveOn } from '../../src/engine/schedule-moves.ts';
import { planFiring } from '../../src/domain/firing-plan.ts';
import { storeSchedule } from '../support/schedules.ts';

it('lets one that has more to do go to the end of the line', async () => {
  const row = await storeSchedule({ catch_up: 'all' });
  const schedule = { ...row, key_revoked_at: null, unfinished: '[]' };
  const now = row.created_at + 1_200_000;
  const plan = planFiring(schedule, [], now);
  expect(plan.next).toBeLessThan(now);
  expect(moveOn({ schedule, plan }, 19, now)).toMatchObject({
    oldNext: row.next_at,
    next: plan.next,
    wake: now,
    fired: 19,
    refused: 1,
  });
});
