import { expect, it } from 'vitest';
import { toSubmission } from '../../src/engine/submit-scheduled.ts';
import { aSchedule } from '../support/schedules.ts';

const by = { requestId: 'r', ownHost: 'h', taskTypes: null, consumeMetered: async () => {} };

it('puts the moment into the texts of the task, and into nothing else', () => {
  const task = {
    type: 'sum',
    title: 'Of {{scheduled_for}}',
    tags: ['{{ scheduled_for }}', 'x'],
    params: { a: 1, list: [{ at: '{{scheduled_for}}/{{scheduled_for}}' }], other: '{{name}}' },
    callback_url: 'https://x.example/{{scheduled_for}}',
  };
  const schedule = aSchedule({ task: JSON.stringify(task) });
  const { requests, caller, findKey } = toSubmission(schedule, [0], by);
  const at = '1970-01-01T00:00:00.000Z';
  expect(requests).toEqual([
    {
      ...task,
      title: `Of ${at}`,
      tags: [at, 'x'],
      params: { a: 1, list: [{ at: `${at}/${at}` }], other: '{{name}}' },
    },
  ]);
  expect([caller.parentId, findKey(0)]).toEqual([schedule.id, `schedule:${schedule.id}:0`]);
});
